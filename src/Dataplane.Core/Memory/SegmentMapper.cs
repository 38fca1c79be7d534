using Dataplane.Linux;
using Microsoft.Extensions.Logging;

namespace Dataplane.Memory;

/// <summary>Maps new pages of a file into the reserved addresses, on the wanted NUMA node, with every page present.</summary>
internal sealed unsafe class SegmentMapper(AddressRange addresses, bool bindToNode, ILogger logger)
{
    private bool _saidThatBindingFails;

    /// <summary>Maps the pages after <see cref="SegmentFile.Used"/>.</summary>
    /// <exception cref="DataplaneException">There are not enough pages; nothing is mapped then.</exception>
    public MemorySegment Map(SegmentFile file, PageSource source, nuint length, nuint alignment, int node)
    {
        byte* address = addresses.Next(length, Math.Max(alignment, source.PageSize));
        void* mapped = Libc.Mmap(
            address, length, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED | Libc.MAP_FIXED, file.Handle, file.Used);
        if (mapped == Libc.MapFailed)
            throw Refused("map", source, length);

        try
        {
            if (bindToNode)
                Bind(address, length, node, source.IsHuge);
            if (!source.IsHuge)
                _ = Libc.Madvise(address, length, Libc.MADV_HUGEPAGE); // transparent ones, if the machine gives them
            Populate(address, length, source, file);
            if (!source.IsHuge && Libc.Mlock(address, length) < 0)
                logger.LogDebug("Memory may be swapped: mlock: {Reason}", Errno.DescribeLast());
        }
        catch
        {
            AddressRange.Restore(address, length);
            throw;
        }

        addresses.Commit(address, length);
        return new MemorySegment(address, length, source.PageSize, node, file.Handle, file.Used);
    }

    /// <summary>
    /// Makes every page present. MADV_POPULATE_WRITE (Linux 5.14) reports an error where touching the page would raise
    /// SIGBUS; before it, fallocate does, after which touching only fills page tables.
    /// </summary>
    private static void Populate(byte* address, nuint length, PageSource source, SegmentFile file)
    {
        int result;
        do
        {
            result = Libc.Madvise(address, length, Libc.MADV_POPULATE_WRITE);
        }
        while (result < 0 && Errno.Last is Errno.EINTR or Errno.EAGAIN);

        if (result == 0)
            return;
        if (Errno.Last != Errno.EINVAL)
            throw Refused("populate", source, length);
        if (Libc.Fallocate(file.Handle, 0, file.Used, (long)length) < 0)
            throw Refused("populate", source, length);
        for (nuint offset = 0; offset < length; offset += source.PageSize)
            Volatile.Write(ref address[offset], address[offset]);
    }

    private void Bind(byte* address, nuint length, int node, bool huge)
    {
        const int BitsPerWord = 64;
        nuint* mask = stackalloc nuint[(node / BitsPerWord) + 1];
        mask[node / BitsPerWord] = (nuint)1 << (node % BitsPerWord);

        // Ordinary pages are a fallback; better ones from another node than none. Hugepages were counted on this node.
        int mode = huge ? Libc.MPOL_BIND : Libc.MPOL_PREFERRED;

        // The kernel reads one bit less than it is told (mm/mempolicy.c, get_nodes).
        if (Libc.Mbind(address, length, mode, mask, (nuint)node + 2) == 0 || _saidThatBindingFails)
            return;
        _saidThatBindingFails = true;
        logger.LogWarning(
            "Memory may come from another NUMA node than {Node}: mbind: {Reason} (containers need CAP_SYS_NICE for it)",
            node, Errno.DescribeLast());
    }

    private static DataplaneException Refused(string verb, PageSource source, nuint length) =>
        new($"cannot {verb} {ByteSize.Format(length)} of {source.Description}: {Errno.DescribeLast()}");
}
