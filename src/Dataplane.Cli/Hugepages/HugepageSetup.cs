using Dataplane.Linux;
using Dataplane.Memory;

namespace Dataplane.Cli.Hugepages;

/// <summary>Sets hugepages aside, and sees how many the kernel found.</summary>
internal sealed class HugepageSetup(HostFiles files, TextWriter output)
{
    private readonly HugepageInventory _inventory = new(files);

    /// <summary>Makes a number of pages be there.</summary>
    /// <param name="pageSize">Bytes.</param>
    /// <param name="node">Where; null: spread over all nodes.</param>
    /// <param name="pages">How many there shall be.</param>
    /// <exception cref="DataplaneException">The kernel refused, or found fewer, which stay.</exception>
    public void Reserve(ulong pageSize, int? node, ulong pages)
    {
        CheckMemory(pageSize, pages, _inventory.Total(pageSize, node));
        if (Set(pageSize, node, pages) < pages)
        {
            // Free memory in pieces is pushed together; what that frees suffices often enough.
            _ = files.Write("/proc/sys/vm/compact_memory", "1");
            Set(pageSize, node, pages);
        }

        ulong total = _inventory.Total(pageSize, node);
        string where = node is null ? "" : $" on NUMA node {node}";
        if (total < pages)
        {
            throw new DataplaneException(
                $"Only {total} of {pages} hugepages of {ByteSize.Format(pageSize)}{where} could be set aside: "
                + "the rest of the memory is in use, or free in pieces that are too small",
                "end programs, or run 'echo 3 > /proc/sys/vm/drop_caches', and try again; surest is to reserve at boot, with "
                + $"hugepagesz={ByteSize.FormatForKubernetes(pageSize).TrimEnd('i')} hugepages={pages} on the kernel's command line");
        }

        output.WriteLine(
            $"{total} hugepages of {ByteSize.Format(pageSize)} ({ByteSize.Format(total * pageSize)}) are set aside{where}, "
            + $"{_inventory.Unused(pageSize, node)} of them free");
        if (total > pages)
            output.WriteLine($"{total - pages} more than asked for are in use; they are freed when their programs end");
    }

    /// <summary>The kernel would push everything out of the memory to satisfy us, and leave a machine that can do nothing else.</summary>
    private void CheckMemory(ulong pageSize, ulong pages, ulong before)
    {
        if (pages <= before || files.ReadKibibytes("/proc/meminfo", "MemAvailable") is not { } available)
            return;
        ulong missing = (pages - before) * pageSize;
        if (missing <= available)
            return;
        throw new DataplaneException(
            $"Cannot set aside {ByteSize.Format(missing)} more in hugepages: the machine has {ByteSize.About(available)} of memory available",
            $"end programs, or give --setup {ByteSize.FormatForKubernetes((before + (available / pageSize)) * pageSize)} at most");
    }

    private ulong Set(ulong pageSize, int? node, ulong pages)
    {
        int error = _inventory.SetTotal(pageSize, node, pages);
        return error == 0 ? _inventory.Total(pageSize, node) : throw Refused("set aside hugepages", error);
    }

    /// <summary>The error for a write that the kernel refused.</summary>
    public static DataplaneException Refused(string action, int error) => new(
        $"Cannot {action}: {Errno.Describe(error)}",
        error switch
        {
            Errno.EACCES or Errno.EPERM => "run it as root",
            Errno.EROFS => "/sys is mounted read-only, as in most containers: run it on the host, or in a privileged container",
            _ => null,
        });
}
