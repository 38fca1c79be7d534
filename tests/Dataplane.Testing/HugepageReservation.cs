using System.Globalization;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Testing;

/// <summary>
/// Hugepages that are set aside for tests and taken back afterwards. Other test programs may do the same meanwhile: so
/// the number is only ever changed by a difference, under a lock on the kernel's file. Needs root.
/// </summary>
public sealed class HugepageReservation : IDisposable
{
    private readonly string _file;

    private HugepageReservation(string file, int count)
    {
        _file = file;
        Count = count;
    }

    /// <summary>
    /// Pages that were set aside; fewer than asked for if the kernel has no more, 0 if it has none of the size.
    /// </summary>
    public int Count { get; }

    /// <summary>Sets pages aside.</summary>
    /// <param name="pageSize">Bytes of a page.</param>
    /// <param name="count">Pages.</param>
    public static HugepageReservation Take(ulong pageSize, int count)
    {
        string file = $"/sys/kernel/mm/hugepages/hugepages-{pageSize >> 10}kB/nr_hugepages";
        return new HugepageReservation(file, File.Exists(file) ? Change(file, count) : 0);
    }

    /// <summary>Does something while nobody else changes how many pages are set aside.</summary>
    public static void Exclusively(Action action)
    {
        using SafeFileHandle gate = Lock();
        action();
    }

    /// <summary>Takes the pages back.</summary>
    public void Dispose()
    {
        if (Count != 0)
            Change(_file, -Count);
    }

    private static int Change(string file, int difference)
    {
        using SafeFileHandle gate = Lock();
        int before = int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture);
        // Not below zero: a person may have set the number meanwhile.
        File.WriteAllText(file, Math.Max(0, before + difference).ToString(CultureInfo.InvariantCulture));
        return int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture) - before;
    }

    private static SafeFileHandle Lock()
    {
        SafeFileHandle gate = Libc.Open("/proc/sys/vm/nr_hugepages", Libc.O_RDONLY | Libc.O_CLOEXEC);
        _ = Libc.Flock(gate, Libc.LOCK_EX);
        return gate;
    }
}
