using Dataplane.Testing;

namespace Dataplane.Interop.Tests.Rig;

/// <summary>Two ports of ours, and the two ports of testpmd that they talk to.</summary>
/// <param name="Name">How the results call it.</param>
/// <param name="Ours">Our devices; <c>DIR</c> stands for a folder that both sides see.</param>
/// <param name="Theirs">testpmd's.</param>
public sealed record Pairing(string Name, IReadOnlyList<string> Ours, IReadOnlyList<string> Theirs)
{
    /// <summary>Queues of each port in each direction.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>The longest frame that both sides can carry, in bytes.</summary>
    public int LongestFrame { get; init; } = 9018;

    /// <summary>Whether testpmd makes the sockets, named <c>DIR/*.sock</c>. It does not replace what a dead one left.</summary>
    public bool TheyListen { get; init; }

    /// <summary>Whether testpmd looks for us when its ports start, and never again.</summary>
    public bool TheyConnectOnce { get; init; }

    /// <summary>Further options of testpmd.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Both ports of a side, numbered.</summary>
    /// <param name="device">A device; <c>#</c> stands for its number.</param>
    public static IReadOnlyList<string> Twice(string device) => [device.Replace("#", "0"), device.Replace("#", "1")];

    /// <summary>Our devices in a folder.</summary>
    public IReadOnlyList<string> OursIn(TemporaryFolder folder) => In(folder, Ours);

    /// <summary>testpmd's devices in a folder.</summary>
    public IReadOnlyList<string> TheirsIn(TemporaryFolder folder) => In(folder, Theirs);

    private static IReadOnlyList<string> In(TemporaryFolder folder, IEnumerable<string> devices) =>
        [.. devices.Select(device => device.Replace("DIR", folder.FullName))];
}
