using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>Physical functions of 82599, X540 and X550.</summary>
/// <param name="variants">The devices that it knows.</param>
internal sealed class IxgbeDriver(IReadOnlyList<IxgbeVariant> variants) : INicDriver
{
    private const string KeepLaser = "fiber_sdp3_no_tx_disable";

    public IxgbeDriver()
        : this(IxgbeVariant.Physical)
    {
    }

    public string Name => "net_ixgbe";

    public IReadOnlyList<SupportedDevice> Devices { get; } =
        [.. variants.Select(variant => new SupportedDevice(variant.Id, variant.Model))];

    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new(KeepLaser, "1: leave the laser of an SFP+ module alone, on boards that use its pin (SDP3) for something else (0)"),
    ];

    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace =>
        IxgbePort<TRegisters>.Open(
            context,
            function,
            variants.Single(variant => variant.Id == function.Id),
            arguments.GetBoolean(KeepLaser));
}
