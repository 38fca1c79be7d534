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

    private static readonly Dictionary<PciId, E1000Model> s_models = new()
    {
        [Id(0x100E)] = E1000Model.Pci,
        [Id(0x100F)] = E1000Model.Pci,
        [Id(0x1010)] = E1000Model.Pci,
        [Id(0x101D)] = E1000Model.Pci,
        [Id(0x10D3)] = E1000Model.ExpressMultiQueue,
        [Id(0x10F6)] = E1000Model.ExpressMultiQueue,
        [Id(0x150C)] = E1000Model.Express,
    };

    public string Name => "net_e1000_em";

    public IReadOnlyList<SupportedDevice> Devices { get; } =
    [
        new(Id(0x100E), "82540EM Gigabit Ethernet Controller"),
        new(Id(0x100F), "82545EM Gigabit Ethernet Controller (Copper)"),
        new(Id(0x1010), "82546EB Gigabit Ethernet Controller (Copper)"),
        new(Id(0x101D), "82546EB Gigabit Ethernet Controller (Quad Copper)"),
        new(Id(0x10D3), "82574L Gigabit Network Connection"),
        new(Id(0x10F6), "82574L Gigabit Network Connection (LA)"),
        new(Id(0x150C), "82583V Gigabit Network Connection"),
    ];

    public IReadOnlyList<DevargKey> Keys => [];

    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace =>
        s_models[function.Id] is { IsExpress: true } model
            ? E1000Port<TRegisters, AdvancedRx>.Open(context, function, model)
            : E1000Port<TRegisters, LegacyRx>.Open(context, function, s_models[function.Id]);

    private static PciId Id(ushort device) => new(Intel, device);
}
