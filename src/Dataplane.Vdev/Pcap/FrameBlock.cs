using System.Runtime.InteropServices;
using Dataplane.Memory;
using Dataplane.Vdev.Pcap.Capture;

namespace Dataplane.Vdev.Pcap;

/// <summary>
/// Frames one behind the other in unmanaged memory, each at the start of a cache line, so that a lcore can copy them
/// line by line. A control thread fills a block, then a lcore reads it; never both at a time.
/// </summary>
internal sealed unsafe class FrameBlock : IDisposable
{
    /// <summary>Bytes of a cache line: frames are copied in steps of it.</summary>
    public const int LineSize = 64;

    /// <summary>Bytes of frames that a block holds.</summary>
    public const int Capacity = 512 * 1024;

    /// <summary>Bytes of the longest frame: the longest IP packet behind Ethernet with two VLAN tags.</summary>
    public const int MaxFrameLength = 65535 + 14 + 8;

    /// <summary>Bytes of the shortest frame: an Ethernet header.</summary>
    private const int MinFrameLength = 14;

    /// <summary>Every frame takes a line at least.</summary>
    private const int MaxCount = Capacity / LineSize;

    private readonly AlignedMemory _memory = new(Capacity + (MaxCount * (nuint)sizeof(FrameSlot)));
    private int _used;

    /// <summary>Where the frames lie; the offsets of the slots count from here.</summary>
    public byte* Frames => _memory.Address;

    /// <summary>Where each frame is, in order; <see cref="Count"/> of them.</summary>
    public FrameSlot* Slots => (FrameSlot*)(_memory.Address + Capacity);

    /// <summary>Frames in the block.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the longest frame in the block.</summary>
    public int LongestFrame { get; private set; }

    /// <summary>Frames that no Ethernet port can receive, counted instead of kept; also a fault in the file.</summary>
    public int Errors { get; set; }

    /// <summary>Makes the block empty.</summary>
    public void Clear()
    {
        _used = 0;
        Count = 0;
        LongestFrame = 0;
        Errors = 0;
    }

    /// <summary>Adds a frame.</summary>
    /// <returns>False, and nothing changed, if the block is full.</returns>
    public bool TryAdd(in CaptureRecord record)
    {
        int length = record.Length;
        if (length is < MinFrameLength or > MaxFrameLength)
        {
            Errors++;
            return true;
        }

        int lines = (length + LineSize - 1) / LineSize * LineSize;
        if (Count == MaxCount || lines > Capacity - _used)
            return false;
        record.CopyTo(new Span<byte>(Frames + _used, length));
        Slots[Count++] = new FrameSlot(_used, length);
        LongestFrame = Math.Max(LongestFrame, length);
        _used += lines;
        return true;
    }

    /// <summary>Lists few frames over and over, so that bursts seldom meet their end.</summary>
    public void RepeatFrames()
    {
        const int Enough = 1024;
        int once = Count;
        for (; Count < Enough; Count += once)
            new Span<FrameSlot>(Slots, once).CopyTo(new Span<FrameSlot>(Slots + Count, once));
    }

    public void Dispose() => _memory.Dispose();
}

/// <summary>A frame of a <see cref="FrameBlock"/>.</summary>
/// <param name="offset">Where it starts, in bytes.</param>
/// <param name="length">Bytes of it.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct FrameSlot(int offset, int length)
{
    public readonly int Offset = offset;
    public readonly int Length = length;
}
