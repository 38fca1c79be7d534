using Dataplane.Linux;

namespace Dataplane.Vdev.Memif;

/// <summary>Where a client says that a ring is.</summary>
/// <param name="Region">Index of the region.</param>
/// <param name="Offset">In the region.</param>
/// <param name="Log2RingSize">Logarithm of the descriptors.</param>
/// <param name="Event">What wakes whoever receives from it; the session's.</param>
internal sealed record MemifRingPlace(int Region, uint Offset, int Log2RingSize, EventFd Event)
{
    /// <summary>
    /// Finds out how a client has laid out its rings: from how far apart they are, else from where the first descriptor has
    /// the length of its buffer. What cannot be told has the layout of libmemif and VPP.
    /// </summary>
    /// <param name="rings">All rings.</param>
    /// <param name="regions">Each ring lies in its region, at least if it has the smaller layout.</param>
    public static unsafe MemifRingLayout FindLayout(IReadOnlyList<MemifRingPlace> rings, MemifRegions regions)
    {
        MemifRingPlace[] sorted = [.. rings.OrderBy(ring => ring.Region).ThenBy(ring => ring.Offset)];
        for (int i = 1; i < sorted.Length; i++)
        {
            MemifRingPlace ring = sorted[i - 1];
            long distance = (long)sorted[i].Offset - ring.Offset;
            if (sorted[i].Region != ring.Region)
                continue;
            if (distance < MemifRingLayout.Lines128.LengthOf(ring.Log2RingSize))
                return MemifRingLayout.Lines64;
            if (distance == MemifRingLayout.Lines128.LengthOf(ring.Log2RingSize))
                return MemifRingLayout.Lines128;
        }

        foreach (MemifRingPlace ring in sorted)
        {
            MemifRegion region = regions.Table[ring.Region];
            if (LengthOfFirst(region.Address + ring.Offset, MemifRingLayout.Lines64) != 0)
                return MemifRingLayout.Lines64;
            bool isPossible = ring.Fits(region.Length, MemifRingLayout.Lines128);
            if (isPossible && LengthOfFirst(region.Address + ring.Offset, MemifRingLayout.Lines128) != 0)
                return MemifRingLayout.Lines128;
        }

        return MemifRingLayout.Lines64;
    }

    /// <summary>Whether the ring ends within its region.</summary>
    public bool Fits(ulong regionLength, MemifRingLayout layout) =>
        Offset + (ulong)layout.LengthOf(Log2RingSize) <= regionLength;

    private static unsafe uint LengthOfFirst(byte* ring, MemifRingLayout layout) =>
        ((MemifDescriptor*)(ring + layout.DescriptorsOffset))->Length;
}
