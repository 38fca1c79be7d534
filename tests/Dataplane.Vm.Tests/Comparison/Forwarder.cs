using Dataplane.Vm.Tests.Forwarding;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Comparison;

/// <summary>A program that forwards between two NICs and rewrites addresses, on one lcore.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Launch">Starts it in a guest.</param>
/// <param name="Forwards">Whether it says that it forwards.</param>
internal sealed record Forwarder(string Name, Func<Guest, GuestCommand> Launch, Func<GuestCommand, bool> Forwards)
{
    /// <summary>DPDK's.</summary>
    public static Forwarder Dpdk { get; } = new("testpmd", TestPmd.Launch, TestPmd.Forwards);

    /// <summary>Ours.</summary>
    public static Forwarder Ours { get; } = OursAt("l2fwd", GuestTools.L2Fwd);

    /// <summary>Ours, published in some other way.</summary>
    /// <param name="name">What the table calls it.</param>
    /// <param name="executable">Where it is.</param>
    public static Forwarder OursAt(string name, string executable) => new(
        name,
        guest => guest.Start($"exec {executable} -l 1 -n 1 --in-memory -- -p 3 -q 2 -T 0"),
        GuestL2Fwd.Forwards);

    /// <summary>Starts it; comes back when it forwards.</summary>
    public GuestCommand Start(Guest guest)
    {
        GuestCommand command = Launch(guest);
        command.WaitFor(() => Forwards(command), "forwarding");
        return command;
    }
}
