using System.Runtime.InteropServices;
using Dataplane.Memory;
using Dataplane.Vdev.VhostUser;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>A region of memory that the back end maps.</summary>
/// <param name="Message">As messages have it. The address in descriptors is that in this process.</param>
/// <param name="File">What goes with it; the memory's.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SharedRegion(VhostUserMemoryRegion Message, SafeFileHandle File)
{
    public static unsafe SharedRegion Of(MemorySegment segment) => new(
        new VhostUserMemoryRegion
        {
            GuestAddress = (ulong)segment.Address,
            UserAddress = (ulong)segment.Address,
            Size = segment.Length,
            MmapOffset = (ulong)segment.FileOffset,
        },
        segment.File);

    /// <summary>Whether another region goes on where this one ends, in memory and in the file.</summary>
    public bool Continues(SharedRegion other) =>
        File == other.File
        && Message.UserAddress + Message.Size == other.Message.UserAddress
        && Message.MmapOffset + Message.Size == other.Message.MmapOffset;

    /// <summary>Both as one.</summary>
    public SharedRegion With(SharedRegion next)
    {
        VhostUserMemoryRegion message = Message;
        message.Size += next.Message.Size;
        return this with { Message = message };
    }
}

/// <summary>The segments of the memory, and as how many regions a back end is shown them. By the control thread.</summary>
internal sealed class SharedRegions
{
    private readonly List<SharedRegion> _segments = [];

    /// <summary>One per segment.</summary>
    public IReadOnlyList<SharedRegion> Segments => _segments;

    /// <summary>As few as possible: segments of one file are neighbours in memory, too, as a rule.</summary>
    public IReadOnlyList<SharedRegion> Merged()
    {
        var merged = new List<SharedRegion>();
        foreach (SharedRegion segment in _segments.OrderBy(segment => segment.Message.UserAddress))
        {
            if (merged.Count != 0 && merged[^1].Continues(segment))
                merged[^1] = merged[^1].With(segment);
            else
                merged.Add(segment);
        }

        return merged;
    }

    public void Add(SharedRegion segment) => _segments.Add(segment);

    public void Remove(SharedRegion segment) => _segments.Remove(segment);
}
