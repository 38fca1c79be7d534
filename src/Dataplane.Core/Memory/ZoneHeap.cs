using System.Runtime.InteropServices;

namespace Dataplane.Memory;

/// <summary>
/// Which addresses of a segment are free: a first-fit list of blocks, sorted and always coalesced. It touches no memory.
/// Zones are few and live long, so a list does.
/// </summary>
internal sealed class ZoneHeap
{
    private readonly ulong _start;
    private readonly ulong _length;
    private readonly IReadOnlyList<ulong> _seams;
    private readonly List<Block> _free = [];

    /// <summary>A heap with one free block.</summary>
    /// <param name="start">The first address.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="seams">Ascending addresses at which the page before is not the physical neighbour of the page after.</param>
    public ZoneHeap(ulong start, ulong length, IReadOnlyList<ulong>? seams = null)
    {
        _start = start;
        _length = length;
        _seams = seams ?? [];
        _free.Add(new Block(start, length));
    }

    /// <summary>The free blocks in ascending order; no two touch.</summary>
    public IReadOnlyList<Block> FreeBlocks => _free;

    /// <summary>Takes the lowest place that fits.</summary>
    /// <param name="length">Bytes, more than 0.</param>
    /// <param name="alignment">A power of two.</param>
    /// <param name="contiguous">Whether the place must not cross a seam.</param>
    /// <param name="address">The place.</param>
    public bool TryAllocate(ulong length, ulong alignment, bool contiguous, out ulong address)
    {
        for (int i = 0; i < _free.Count; i++)
        {
            if (!TryPlace(_free[i], length, alignment, contiguous, out address))
                continue;
            Block block = _free[i];
            _free.RemoveAt(i);
            if (address + length < block.End)
                _free.Insert(i, new Block(address + length, block.End - address - length));
            if (address > block.Start)
                _free.Insert(i, new Block(block.Start, address - block.Start));
            return true;
        }

        address = 0;
        return false;
    }

    /// <summary>Gives a place back.</summary>
    /// <exception cref="ArgumentException">Part of it is free already or was never in this heap.</exception>
    public void Free(ulong address, ulong length)
    {
        int next = _free.FindIndex(b => b.Start > address);
        if (next < 0)
            next = _free.Count;
        bool overlaps = (next > 0 && _free[next - 1].End > address)
            || (next < _free.Count && address + length > _free[next].Start);
        if (overlaps || address < _start || address + length > _start + _length)
            throw new ArgumentException($"0x{address:x}+{length} is not allocated here", nameof(address));

        if (next < _free.Count && _free[next].Start == address + length)
        {
            length += _free[next].Length;
            _free.RemoveAt(next);
        }

        if (next > 0 && _free[next - 1].End == address)
            _free[next - 1] = new Block(_free[next - 1].Start, _free[next - 1].Length + length);
        else
            _free.Insert(next, new Block(address, length));
    }

    private bool TryPlace(Block block, ulong length, ulong alignment, bool contiguous, out ulong address)
    {
        address = ByteSize.AlignUp(block.Start, alignment);
        while (address + length <= block.End)
        {
            if (!contiguous || FirstSeamInside(address, length) is not { } seam)
                return true;
            address = ByteSize.AlignUp(seam, alignment);
        }

        return false;
    }

    private ulong? FirstSeamInside(ulong address, ulong length)
    {
        foreach (ulong seam in _seams)
        {
            if (seam > address)
                return seam < address + length ? seam : null;
        }

        return null;
    }

    /// <summary>A free run of addresses.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Block(ulong Start, ulong Length)
    {
        public ulong End => Start + Length;
    }
}
