using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>Virtual functions of 82599, X540 and X550, and those of X552 and X553.</summary>
/// <param name="variants">The devices that it knows.</param>
internal sealed class IxgbeVfDriver(IReadOnlyList<IxgbeVariant> variants) : INicDriver
{
    private const string FullLinkCheck = "pflink_fullchk";

    public IxgbeVfDriver()
        : this(IxgbeVariant.Virtual)
    {
    }

    public string Name => "net_ixgbe_vf";

    public IReadOnlyList<SupportedDevice> Devices { get; } =
        [.. variants.Select(variant => new SupportedDevice(variant.Id, variant.Model))];

    public IReadOnlyList<DevargKey> Keys { get; } =
        [new(FullLinkCheck, "1: each look at the link looks into the mailbox too, for a reset of the physical function (0)")];

    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace =>
        IxgbeVfPort<TRegisters>.Open(
            context,
            function,
            variants.Single(variant => variant.Id == function.Id),
            arguments.GetBoolean(FullLinkCheck));
}
