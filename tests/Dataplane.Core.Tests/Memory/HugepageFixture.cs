using System.Globalization;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Core.Tests.Memory;

/// <summary>Alone, because other tests take hugepages too where there are some, and would be charged to a test's cgroup.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class HugepageCollection : ICollectionFixture<HugepageFixture>
{
    public const string Name = "hugepages";
}

/// <summary>
/// Sets hugepages aside for the tests and takes them back afterwards. Other test programs may do the same meanwhile:
/// so the number is only ever changed by a difference, under a lock on the kernel's file.
/// </summary>
public sealed class HugepageFixture : IDisposable
{
    public const ulong PageSize = 2 << 20;
    private const int Pages = 128;
    private const string Small = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
    private const string Large = "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages";

    private readonly int _small;
    private readonly int _large;

    public HugepageFixture()
    {
        _small = Change(Small, Pages);
        _large = File.Exists(Large) ? Change(Large, 1) : 0;
    }

    public bool HasGigabytePages => _large > 0;

    public void Dispose()
    {
        Change(Small, -_small);
        Change(Large, -_large);
    }

    private static int Change(string file, int difference)
    {
        if (difference == 0)
            return 0;
        using SafeFileHandle gate = Libc.Open("/proc/sys/vm/nr_hugepages", Libc.O_RDONLY | Libc.O_CLOEXEC);
        _ = Libc.Flock(gate, Libc.LOCK_EX);
        int before = int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture);
        File.WriteAllText(file, (before + difference).ToString(CultureInfo.InvariantCulture));
        return int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture) - before;
    }
}
