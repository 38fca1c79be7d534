using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary><c>net_e1000_igb</c>: Intel's gigabit NICs from the 82576 on, as far as they have a copper PHY.</summary>
internal sealed class IgbDriver : INicDriver
{
    private const ushort Intel = 0x8086;

    private static readonly Dictionary<PciId, IgbModel> s_models = new()
    {
        [Id(0x10C9)] = IgbModel.I82576,
        [Id(0x10E8)] = IgbModel.I82576,
        [Id(0x1526)] = IgbModel.I82576,
        [Id(0x150A)] = IgbModel.I82576,
        [Id(0x1521)] = IgbModel.I350,
        [Id(0x1533)] = IgbModel.I210,
        [Id(0x1534)] = IgbModel.I210,
        [Id(0x1535)] = IgbModel.I210,
        [Id(0x157B)] = IgbModel.I210,
        [Id(0x1539)] = IgbModel.I211,
    };

    public string Name => "net_e1000_igb";

    public IReadOnlyList<SupportedDevice> Devices { get; } =
    [
        new(Id(0x10C9), "82576 Gigabit Network Connection"),
        new(Id(0x10E8), "82576 Gigabit Network Connection (Quad Copper)"),
        new(Id(0x1526), "82576 Gigabit ET2 Quad Port"),
        new(Id(0x150A), "82576NS Gigabit Network Connection"),
        new(Id(0x1521), "I350 Gigabit Network Connection"),
        new(Id(0x1533), "I210 Gigabit Network Connection"),
        new(Id(0x1534), "I210 Gigabit Network Connection (OEM)"),
        new(Id(0x1535), "I210 Gigabit Network Connection (Industrial)"),
        new(Id(0x157B), "I210 Gigabit Network Connection (Flashless)"),
        new(Id(0x1539), "I211 Gigabit Network Connection"),
    ];

    public IReadOnlyList<DevargKey> Keys => [];

    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace =>
        IgbPort<TRegisters>.Open(context, function, s_models[function.Id]);

    private static PciId Id(ushort device) => new(Intel, device);
}
