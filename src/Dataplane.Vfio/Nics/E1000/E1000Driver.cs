using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.E1000;

/// <summary>
/// <c>net_e1000_em</c>: Intel's gigabit NICs from before the 82575, as far as they have a copper PHY and differ in
/// nothing but what <see cref="E1000Model"/> says.
/// </summary>
internal sealed class E1000Driver : INicDriver
{
    private const ushort Intel = 0x8086;

    private static readonly (PciId Id, E1000Model Model, string Description)[] s_devices =
    [
        (Id(0x100E), E1000Model.Pci, "82540EM Gigabit Ethernet Controller"),
        (Id(0x100F), E1000Model.Pci, "82545EM Gigabit Ethernet Controller (Copper)"),
        (Id(0x1010), E1000Model.Pci, "82546EB Gigabit Ethernet Controller (Copper)"),
        (Id(0x101D), E1000Model.Pci, "82546EB Gigabit Ethernet Controller (Quad Copper)"),
        (Id(0x10D3), E1000Model.ExpressMultiQueue, "82574L Gigabit Network Connection"),
        (Id(0x10F6), E1000Model.ExpressMultiQueue, "82574L Gigabit Network Connection (LA)"),
        (Id(0x150C), E1000Model.Express, "82583V Gigabit Network Connection"),
    ];

    public string Name => "net_e1000_em";

    public IReadOnlyList<SupportedDevice> Devices { get; } =
        [.. s_devices.Select(device => new SupportedDevice(device.Id, device.Description))];

    public IReadOnlyList<DevargKey> Keys => [];

    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace
    {
        E1000Model model = s_devices.Single(device => device.Id == function.Id).Model;
        return model.IsExpress
            ? E1000Port<TRegisters, AdvancedRx>.Open(context, function, model)
            : E1000Port<TRegisters, LegacyRx>.Open(context, function, model);
    }

    private static PciId Id(ushort device) => new(Intel, device);
}
