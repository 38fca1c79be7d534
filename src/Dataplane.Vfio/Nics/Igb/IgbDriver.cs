using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary><c>net_e1000_igb</c>: Intel's gigabit NICs from the 82576 on, as far as they have a copper PHY.</summary>
internal sealed class IgbDriver : INicDriver
{
    private const ushort Intel = 0x8086;

    private static readonly (PciId Id, IgbModel Model, string Description)[] s_devices =
    [
        (Id(0x10C9), IgbModel.I82576, "82576 Gigabit Network Connection"),
        (Id(0x10E8), IgbModel.I82576, "82576 Gigabit Network Connection (Quad Copper)"),
        (Id(0x1526), IgbModel.I82576, "82576 Gigabit ET2 Quad Port"),
        (Id(0x150A), IgbModel.I82576, "82576NS Gigabit Network Connection"),
        (Id(0x1521), IgbModel.I350, "I350 Gigabit Network Connection"),
        (Id(0x1533), IgbModel.I210, "I210 Gigabit Network Connection"),
        (Id(0x1534), IgbModel.I210, "I210 Gigabit Network Connection (OEM)"),
        (Id(0x1535), IgbModel.I210, "I210 Gigabit Network Connection (Industrial)"),
        (Id(0x157B), IgbModel.I210, "I210 Gigabit Network Connection (Flashless)"),
        (Id(0x1539), IgbModel.I211, "I211 Gigabit Network Connection"),
    ];

    public string Name => "net_e1000_igb";

    public IReadOnlyList<SupportedDevice> Devices { get; } =
        [.. s_devices.Select(device => new SupportedDevice(device.Id, device.Description))];

    public IReadOnlyList<DevargKey> Keys => [];

    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace =>
        IgbPort<TRegisters>.Open(context, function, s_devices.Single(device => device.Id == function.Id).Model);

    private static PciId Id(ushort device) => new(Intel, device);
}
