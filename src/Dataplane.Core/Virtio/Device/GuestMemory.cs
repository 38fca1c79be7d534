using System.Runtime.CompilerServices;
using Dataplane.Memory;

namespace Dataplane.Virtio;

/// <summary>A piece of a driver's memory, as it is mapped here.</summary>
/// <param name="Start">The address by which descriptors refer to it.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Host">Where it is mapped.</param>
internal readonly unsafe record struct GuestRegion(ulong Start, ulong Length, nint Host)
{
    /// <summary>The first address behind it.</summary>
    public ulong End => Start + Length;
}

/// <summary>All of a driver's memory. It does not change: another table takes its place while no ring uses it.</summary>
internal sealed unsafe class GuestMemoryTable : IDisposable
{
    private readonly AlignedMemory _memory;

    private GuestMemoryTable(GuestRegion[] sorted)
    {
        Count = sorted.Length;
        _memory = new AlignedMemory((nuint)(Math.Max(Count, 1) * sizeof(GuestRegion)));
        sorted.CopyTo(new Span<GuestRegion>(_memory.Address, Count));
    }

    /// <summary>Regions.</summary>
    public int Count { get; }

    /// <summary>The regions by address.</summary>
    public ReadOnlySpan<GuestRegion> Regions => new(_memory.Address, Count);

    /// <summary>Makes a table.</summary>
    /// <param name="regions">In any order.</param>
    /// <param name="problem">What is wrong with them, as it reads after "sent".</param>
    /// <returns>Null if regions overlap or end behind the last address.</returns>
    public static GuestMemoryTable? TryCreate(IEnumerable<GuestRegion> regions, out string problem)
    {
        GuestRegion[] sorted = [.. regions.OrderBy(region => region.Start)];
        for (int i = 0; i < sorted.Length; i++)
        {
            GuestRegion region = sorted[i];
            problem = $"a region of {region.Length} bytes at 0x{region.Start:x}, which ";
            if (region.Length == 0 || region.End < region.Start)
                problem += "is empty or ends behind the last address";
            else if (i != 0 && region.Start < sorted[i - 1].End)
                problem += $"overlaps the one at 0x{sorted[i - 1].Start:x}";
            else
                continue;
            return null;
        }

        problem = "";
        return new GuestMemoryTable(sorted);
    }

    public void Dispose() => _memory.Dispose();
}

/// <summary>
/// Finds a driver's addresses in its table; each ring has one of its own, which remembers the region of the last. Nothing
/// that it returns lies outside of the mapped memory.
/// </summary>
internal unsafe struct GuestMemory(GuestMemoryTable table)
{
    private readonly GuestRegion* _regions = FirstOf(table);
    private readonly int _count = table.Count;
    private ulong _start;
    private ulong _length;
    private byte* _host;

    /// <summary>Where bytes are mapped that lie in one region.</summary>
    /// <param name="address">The driver's address, any number.</param>
    /// <param name="length">Bytes, any number.</param>
    /// <returns>Null if not all of them lie in the same region.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Find(ulong address, uint length)
    {
        ulong offset = address - _start;
        return offset < _length && length <= _length - offset ? _host + offset : FindElsewhere(address, length);
    }

    /// <summary>Where the first of several bytes is mapped, and how many of them follow it there.</summary>
    /// <returns>Null if it is not mapped.</returns>
    public byte* FindPart(ulong address, uint length, out uint part)
    {
        part = 0;
        if (!TrySelect(address))
            return null;
        ulong offset = address - _start;
        part = (uint)Math.Min(length, _length - offset);
        return _host + offset;
    }

    private byte* FindElsewhere(ulong address, uint length)
    {
        if (!TrySelect(address))
            return null;
        ulong offset = address - _start;
        return length <= _length - offset ? _host + offset : null;
    }

    /// <summary>Makes the region that has an address the last one.</summary>
    private bool TrySelect(ulong address)
    {
        int low = 0;
        int high = _count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            GuestRegion* region = _regions + middle;
            if (address < region->Start)
                high = middle - 1;
            else if (address - region->Start >= region->Length)
                low = middle + 1;
            else
            {
                _start = region->Start;
                _length = region->Length;
                _host = (byte*)region->Host;
                return true;
            }
        }

        return false;
    }

    private static GuestRegion* FirstOf(GuestMemoryTable table)
    {
        fixed (GuestRegion* first = table.Regions)
            return first;
    }
}
