namespace Dataplane.Interop.Tests.Mixed;

/// <summary>A port of l2fwd and the port at its other end.</summary>
/// <param name="Device">Of l2fwd; <c>DIR</c> stands for a folder that both see.</param>
/// <param name="Peer">Of the test.</param>
internal sealed record MixedPort(string Device, string Peer)
{
    /// <summary>
    /// From the shortest frame to the longest: around where frames are copied as a whole, where they fill a buffer, and where
    /// they need several.
    /// </summary>
    public static IReadOnlyList<int> Lengths { get; } =
        [60, 61, 128, 129, 255, 256, 257, 258, 384, 1024, 1514, 1518, 2048, 2049, 2176, 2177, 4096, 9000, 9018];

    /// <summary>The longest frame that it carries, in bytes.</summary>
    public int LongestFrame { get; init; } = 9018;
}
