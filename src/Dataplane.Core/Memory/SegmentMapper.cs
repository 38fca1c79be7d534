using Dataplane.Linux;
using Microsoft.Extensions.Logging;

namespace Dataplane.Memory;

/// <summary>Maps new pages of a file into the reserved addresses, on the wanted NUMA node, with every page present.</summary>
internal sealed unsafe class SegmentMapper(
    AddressRange addresses, bool bindToNode, IovaMode iovaMode, ILogger logger)
{
    private bool _saidThatBindingFails;

    /// <summary>Maps the pages after <see cref="SegmentFile.Used"/>.</summary>
    /// <exception cref="DataplaneException">There are not enough pages; nothing is mapped then.</exception>
    public MemorySegment Map(SegmentFile file, PageSource source, nuint length, nuint alignment, int node)
    {
        byte* address = addresses.Next(length, Math.Max(alignment, source.PageSize));
        try
        {
            void* mapped = Libc.Mmap(
                address, length, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED | Libc.MAP_FIXED, file.Handle, file.Used);
            if (mapped == Libc.MapFailed)
                throw Refused("map", source, length);
            if (bindToNode)
                Bind(address, length, node, source.IsHuge);
            if (!source.IsHuge)
                _ = Libc.Madvise(address, length, Libc.MADV_HUGEPAGE); // transparent ones, if the machine gives them
            Populate(address, length, source, file);
            if (!source.IsHuge && Libc.Mlock(address, length) < 0)
                logger.LogDebug("Memory may be swapped: mlock: {Reason}", Errno.DescribeLast());

            var segment = new MemorySegment(address, length, source.PageSize, node, file.Handle, file.Used)
            {
                PhysicalPages = iovaMode == IovaMode.Pa ? Pagemap.Read(address, length, source.PageSize) : null,
                HasOldContent = file.HasOldContent,
            };
            addresses.Commit(address, length);
            return segment;
        }
        catch
        {
            // Also where mmap failed: it unmaps what was there before it asks hugetlbfs for pages.
            AddressRange.Restore(address, length);
            throw;
        }
    }

    /// <summary>
    /// Makes every page present. MADV_POPULATE_WRITE (Linux 5.14) reports an error where touching the page would raise
    /// SIGBUS; before it, fallocate does, after which touching only fills page tables.
    /// </summary>
    private static void Populate(byte* address, nuint length, PageSource source, SegmentFile file)
    {
        int result;
        do
            result = Libc.Madvise(address, length, Libc.MADV_POPULATE_WRITE);
        while (result < 0 && Errno.Last == Errno.EINTR);

        if (result < 0 && Errno.Last == Errno.EINVAL)
            PopulateByTouching(address, length, source, file);
        else if (result < 0)
            throw Refused("populate", source, length);
    }

    /// <summary>What kernels before 5.14 need.</summary>
    internal static void PopulateByTouching(byte* address, nuint length, PageSource source, SegmentFile file)
    {
        int result;
        do
            result = Libc.Fallocate(file.Handle, 0, file.Used, (long)length);
        while (result < 0 && Errno.Last == Errno.EINTR); // the GC interrupts threads by signals
        if (result < 0)
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

    // The pages were counted before; EFAULT is what MADV_POPULATE_WRITE says where touching would raise SIGBUS.
    private static DataplaneException Refused(string verb, PageSource source, nuint length) => new(
        $"cannot {verb} {ByteSize.Format(length)} of {source.Description}: {Errno.DescribeLast()}"
        + (Errno.Last is Errno.EFAULT or Errno.ENOMEM or Errno.ENOSPC ? " (another process was faster, or a limit was met)" : ""));
}
