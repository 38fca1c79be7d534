using System.Runtime.InteropServices;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Memory;

/// <summary>Physical addresses of our pages (Documentation/admin-guide/mm/pagemap.rst of Linux).</summary>
internal static unsafe class Pagemap
{
    private const string File = "/proc/self/pagemap";
    private const ulong Present = 1UL << 63;
    private const ulong FrameMask = (1UL << 55) - 1;

    /// <summary>The physical address of every page of a mapping, all of them present.</summary>
    /// <exception cref="DataplaneException">The kernel does not tell.</exception>
    public static ulong[] Read(byte* address, nuint length, nuint pageSize)
    {
        using SafeFileHandle file = Libc.Open(File, Libc.O_RDONLY | Libc.O_CLOEXEC);
        if (file.IsInvalid)
            throw Unavailable(Errno.DescribeLast());
        var physical = new ulong[length / pageSize];
        for (nuint page = 0; page < (nuint)physical.Length; page++)
            physical[page] = ReadEntry(file, address + (page * pageSize));
        return physical;
    }

    /// <summary>Fails as <see cref="Read"/> would, before any memory is taken.</summary>
    /// <exception cref="DataplaneException">The kernel does not tell physical addresses to this process.</exception>
    public static void Require()
    {
        byte probe = 0;
        _ = Read((byte*)((nuint)(&probe) & ~(nuint)(Environment.SystemPageSize - 1)), 1, 1);
    }

    private static ulong ReadEntry(SafeFileHandle file, byte* address)
    {
        ulong entry = 0;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<ulong>(ref entry));
        long offset = (long)((nuint)address / (nuint)Environment.SystemPageSize * sizeof(ulong));
        if (RandomAccess.Read(file, bytes, offset) != bytes.Length)
            throw Unavailable("it ends too early");
        ulong frame = entry & FrameMask;
        return (entry & Present) != 0 && frame != 0
            ? frame * (ulong)Environment.SystemPageSize
            : throw Unavailable("it hides page frame numbers from processes without CAP_SYS_ADMIN");
    }

    private static DataplaneException Unavailable(string reason) => new(
        $"Cannot use IOVA as PA since physical addresses are not available: {File}: {reason}",
        "run as root or with CAP_SYS_ADMIN, or use --iova-mode=va");
}
