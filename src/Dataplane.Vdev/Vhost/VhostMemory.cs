using Dataplane.Vdev.Peers;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Vhost;

/// <summary>
/// The memory that a guest shares, region by region, and the table that rings find its addresses in. Rings hold what they
/// use on their own, so that it can change and go while packets still refer to it. By the control thread.
/// </summary>
internal sealed unsafe class VhostMemory : IDisposable
{
    /// <summary>Most regions: those of Linux's vhost, and of QEMU's memory slots (VHOST_USER_MAX_RAM_SLOTS, 509 + 3).</summary>
    public const int MaxRegions = 509;

    private readonly List<Region> _regions = [];

    /// <summary>Where descriptors' addresses are found; null while there is no memory.</summary>
    public GuestMemoryTable? Table { get; private set; }

    /// <summary>Whether the guest has cut a file short, and somebody touched what is gone.</summary>
    public bool IsLost => _regions.Exists(region => region.Memory.IsLost);

    /// <summary>Takes all regions of a message in the place of those that were there. No ring may run.</summary>
    /// <exception cref="PeerViolationException">A region cannot be mapped, or overlaps another.</exception>
    public void Replace(VhostUserMemory memory, ReceivedDescriptors files)
    {
        Clear();
        for (int i = 0; i < memory.RegionCount; i++)
            Map(memory.Regions[i], files.Take(i));
        MakeTable();
    }

    /// <summary>Takes one more region. No ring may run.</summary>
    /// <exception cref="PeerViolationException">There are too many, it cannot be mapped, or overlaps another.</exception>
    public void Add(VhostUserMemoryRegion region, SafeFileHandle file)
    {
        if (_regions.Count == MaxRegions)
        {
            file.Dispose();
            throw new PeerViolationException($"sent a region of memory more than the {MaxRegions} that there may be");
        }

        Map(region, file);
        MakeTable();
    }

    /// <summary>Gives a region up. No ring may run.</summary>
    /// <exception cref="PeerViolationException">There is none like it.</exception>
    public void Remove(VhostUserMemoryRegion region)
    {
        int index = _regions.FindIndex(
            other => other.Guest == region.GuestAddress && other.User == region.UserAddress && other.Memory.Length == region.Size);
        if (index < 0)
            throw new PeerViolationException($"wants the region at 0x{region.GuestAddress:x} back, which it has not sent");
        _regions[index].Memory.Release();
        _regions.RemoveAt(index);
        MakeTable();
    }

    /// <summary>Where an area of a ring is mapped.</summary>
    /// <param name="address">In the front end's process, any number.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="alignment">What the address must be a multiple of.</param>
    /// <returns>Zero if it is not mapped, or not aligned.</returns>
    public nint FindArea(ulong address, int length, int alignment)
    {
        foreach (Region region in _regions)
        {
            ulong offset = address - region.User;
            if (offset >= region.Memory.Length || (ulong)length > region.Memory.Length - offset)
                continue;
            nint area = (nint)(region.Memory.Address + offset);
            return area % alignment == 0 ? area : 0;
        }

        return 0;
    }

    /// <summary>Keeps all that is mapped now, for packets that refer to it.</summary>
    /// <returns>Gives it up.</returns>
    public Action Hold()
    {
        PeerMemory[] held = [.. _regions.Select(region => region.Memory.Acquire())];
        return () => Array.ForEach(held, memory => memory.Release());
    }

    public void Dispose() => Clear();

    private void Map(VhostUserMemoryRegion region, SafeFileHandle file)
    {
        using (file)
        {
            PeerMemory memory = PeerMemory.Map(file, region.MmapOffset, region.Size, $"the region at 0x{region.GuestAddress:x}");
            _regions.Add(new Region(region.GuestAddress, region.UserAddress, memory));
        }
    }

    private void MakeTable()
    {
        Table?.Dispose();
        Table = GuestMemoryTable.TryCreate(
            _regions.Select(region => new GuestRegion(region.Guest, region.Memory.Length, (nint)region.Memory.Address)), out string problem)
            ?? throw new PeerViolationException($"sent {problem}");
    }

    private void Clear()
    {
        foreach (Region region in _regions)
            region.Memory.Release();
        _regions.Clear();
        Table?.Dispose();
        Table = null;
    }

    private sealed record Region(ulong Guest, ulong User, PeerMemory Memory);
}
