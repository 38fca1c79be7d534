using Dataplane.Vm.Tests.Forwarding;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Comparison;

/// <summary>A program that forwards between two NICs and rewrites addresses, on one lcore.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Start">Starts it in a guest; comes back when it forwards.</param>
internal sealed record Forwarder(string Name, Func<Guest, GuestCommand> Start)
{
    /// <summary>DPDK's.</summary>
    public static Forwarder Dpdk { get; } = new("testpmd", TestPmd.Start);

    /// <summary>Ours.</summary>
    public static Forwarder Ours { get; } =
        new("l2fwd", guest => GuestL2Fwd.Start(guest, "-l 1 -n 1 --in-memory -- -p 3 -q 2 -T 0").Command);
}
