using Dataplane.Linux;
using Dataplane.Memory;

namespace Dataplane.Vfio.Vfio;

/// <summary>A memory BAR in our address space; where it cannot be mapped, such as at the MSI-X table, is a hole that nothing may touch.</summary>
internal sealed unsafe class BarMapping : IDisposable
{
    private readonly byte* _address;
    private readonly nuint _length;

    /// <exception cref="DataplaneException">There is no such BAR, or it cannot be mapped.</exception>
    public BarMapping(VfioDevice device, int bar, MsixTable? table)
    {
        VfioRegion region = device.Region((uint)bar);
        if (region.Size == 0)
            throw new DataplaneException($"{device.Name} has no BAR {bar}");
        if (!region.IsMappable)
        {
            throw new DataplaneException(
                $"BAR {bar} of {device.Name} cannot be mapped: it is I/O ports, or shares a page with something else");
        }

        var pageSize = (ulong)Environment.SystemPageSize;
        _length = (nuint)ByteSize.AlignUp(region.Size, pageSize);
        _address = (byte*)Libc.MmapAnonymous(null, _length, Libc.PROT_NONE, Libc.MAP_PRIVATE | Libc.MAP_NORESERVE);
        if (_address == Libc.MapFailed)
            throw Refused(device, bar);
        foreach ((ulong start, ulong length) in Areas(region, table?.Bar == bar ? table : null, pageSize))
        {
            void* mapped = Libc.Mmap(
                _address + start, (nuint)length, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED | Libc.MAP_FIXED, device.Handle,
                (long)(region.Offset + start));
            if (mapped != Libc.MapFailed)
                continue;
            DataplaneException refusal = Refused(device, bar);
            Dispose();
            throw refusal;
        }
    }

    /// <summary>Where the BAR starts.</summary>
    public byte* Address => _address;

    /// <summary>The whole pages of a BAR that may be mapped.</summary>
    /// <param name="region">The BAR.</param>
    /// <param name="table">The MSI-X table, if it is in this BAR.</param>
    /// <param name="pageSize">Bytes of a page.</param>
    internal static IEnumerable<(ulong Start, ulong Length)> Areas(VfioRegion region, MsixTable? table, ulong pageSize)
    {
        if (region.MappableAreas is { } areas)
            return areas.Select(area => (area.Offset, ByteSize.AlignUp(area.Size, pageSize))).Where(area => area.Item2 != 0);
        ulong end = ByteSize.AlignUp(region.Size, pageSize);
        if (table is null || region.MsixMappable)
            return [(0, end)];
        ulong holeStart = table.Offset & ~(pageSize - 1);
        ulong holeEnd = ByteSize.AlignUp(table.Offset + table.Length, pageSize);
        IEnumerable<(ulong Start, ulong Length)> around = [(0, holeStart), (holeEnd, end - Math.Min(end, holeEnd))];
        return around.Where(area => area.Length != 0);
    }

    /// <summary>Unmaps it; nobody uses its registers any more.</summary>
    public void Dispose() => _ = Libc.Munmap(_address, _length);

    private static DataplaneException Refused(VfioDevice device, int bar) =>
        new($"Cannot map BAR {bar} of {device.Name}: {Errno.DescribeLast()}");
}
