using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary><c>net_e1000_igb_vf</c>: VFs of the 82576 and I350.</summary>
internal sealed class IgbVfDriver : INicDriver
{
    private static readonly PciId s_82576 = new(0x8086, 0x10CA);
    private static readonly PciId s_i350 = new(0x8086, 0x1520);

    public string Name => "net_e1000_igb_vf";

    public IReadOnlyList<SupportedDevice> Devices { get; } =
    [
        new(s_82576, "82576 Virtual Function"),
        new(s_i350, "I350 Ethernet Controller Virtual Function"),
    ];

    public IReadOnlyList<DevargKey> Keys => [];

    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace =>
        IgbVfPort<TRegisters>.Open(context, function, queues: function.Id == s_82576 ? 2 : 1);
}
