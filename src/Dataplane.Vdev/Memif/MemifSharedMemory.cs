using Dataplane.Memory;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// Our own memory as regions of a zero-copy client: a region per file, from its first byte on, because the protocol has
/// no offset for a region. Segments that are added later are not part of it: what lies there is copied.
/// </summary>
internal sealed unsafe class MemifSharedMemory : IDisposable
{
    /// <summary>An offset in a region has 32 bits.</summary>
    private const long Reach = 1L << 32;

    private readonly AlignedMemory _memory;
    private readonly Part* _parts;
    private readonly int _count;

    /// <param name="memory">Ours.</param>
    /// <param name="firstRegion">Index of the first region.</param>
    public MemifSharedMemory(DataplaneMemory memory, int firstRegion)
    {
        IReadOnlyList<MemorySegment> segments = memory.Segments;
        _memory = new AlignedMemory((nuint)(Math.Max(1, segments.Count) * sizeof(Part)));
        _parts = (Part*)_memory.Address;
        var files = new List<MemifFile>();
        foreach (MemorySegment segment in segments)
        {
            int index = files.FindIndex(file => file.Handle == segment.File);
            if (index < 0)
            {
                index = files.Count;
                files.Add(new MemifFile(segment.File, 0));
            }

            long end = segment.FileOffset + (long)segment.Length;
            files[index] = files[index] with { Length = Math.Max(files[index].Length, (ulong)end) };
            if (segment.FileOffset >= Reach)
                continue;
            _parts[_count++] = new Part
            {
                Start = segment.Address,
                Length = (nuint)(Math.Min(end, Reach) - segment.FileOffset),
                Offset = (uint)segment.FileOffset,
                Region = (uint)(firstRegion + index),
            };
        }

        Files = files;
    }

    /// <summary>The files, in the order of their regions.</summary>
    public IReadOnlyList<MemifFile> Files { get; }

    /// <summary>The part that bytes lie in.</summary>
    /// <returns>False if the peer does not have them.</returns>
    public bool TryFind(byte* data, nuint length, out Part part)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_parts[i].Contains(data, length))
            {
                part = _parts[i];
                return true;
            }
        }

        part = default;
        return false;
    }

    public void Dispose() => _memory.Dispose();

    /// <summary>Memory that is contiguous for us and for the peer.</summary>
    internal struct Part
    {
        public byte* Start;
        public nuint Length;
        public uint Offset;
        public uint Region;

        public readonly bool Contains(byte* data, nuint length)
        {
            nuint offset = (nuint)(data - Start);
            return offset < Length && length <= Length - offset;
        }

        /// <summary>Where in the region a byte of the part is.</summary>
        public readonly uint OffsetOf(byte* data) => Offset + (uint)(data - Start);
    }
}

/// <summary>A file that is a region.</summary>
/// <param name="Handle">Not owned.</param>
/// <param name="Length">Bytes.</param>
internal sealed record MemifFile(SafeFileHandle Handle, ulong Length);
