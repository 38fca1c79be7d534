using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Tests;

/// <summary>Knows two devices, and makes nothing of them.</summary>
internal sealed class FakeNicDriver : INicDriver
{
    public string Name => "net_fake";

    public IReadOnlyList<SupportedDevice> Devices { get; } =
        [new(new PciId(0x8086, 0x10fb), "82599ES"), new(new PciId(0x8086, 0x10ed), "82599 VF")];

    public IReadOnlyList<DevargKey> Keys { get; } = [new("speed", "How fast")];

    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace => throw new NotSupportedException();
}
