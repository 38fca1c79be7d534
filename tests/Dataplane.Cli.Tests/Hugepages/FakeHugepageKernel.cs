using System.Globalization;
using Dataplane.Linux;
using Dataplane.Testing;

namespace Dataplane.Cli.Tests.Hugepages;

/// <summary>A machine with two NUMA nodes whose kernel answers to nr_hugepages as Linux does (mm/hugetlb.c).</summary>
internal sealed class FakeHugepageKernel : HostFiles, IDisposable
{
    private readonly FakeMachine _machine;
    private readonly Dictionary<(int Node, ulong Kib), (int Pages, int Used)> _pools = [];

    private FakeHugepageKernel(FakeMachine machine)
        : base(machine.Root) => _machine = machine;

    /// <summary>Most pages per node that there is memory for.</summary>
    public int Limit { get; set; } = 1000;

    /// <summary>What <see cref="Limit"/> is behind the next compaction of memory.</summary>
    public int? LimitWhenCompacted { get; set; }

    /// <summary>What writes are answered with instead; 0 for nothing of the kind.</summary>
    public int WriteError { get; set; }

    /// <summary>Makes a machine with 2 MiB and 1 GiB pages, none set aside.</summary>
    public static FakeHugepageKernel Create(params string[] mounts)
    {
        var machine = new FakeMachine { ["/proc/meminfo"] = "MemAvailable:   8388608 kB\nHugepagesize:       2048 kB", ["/proc/mounts"] = string.Join('\n', mounts) };
        var kernel = new FakeHugepageKernel(machine);
        foreach (ulong kib in (ulong[])[2048, 1048576])
        {
            kernel.SetPool(0, kib, 0, 0);
            kernel.SetPool(1, kib, 0, 0);
        }

        return kernel;
    }

    /// <summary>Says how many pages a node has, and how many of them are in use.</summary>
    public FakeHugepageKernel SetPool(int node, ulong kib, int pages, int used)
    {
        _pools[(node, kib)] = (pages, used);
        Show($"/sys/devices/system/node/node{node}/hugepages", kib, pages, used);
        IEnumerable<(int Pages, int Used)> all = _pools.Where(pool => pool.Key.Kib == kib).Select(pool => pool.Value);
        Show("/sys/kernel/mm/hugepages", kib, all.Sum(pool => pool.Pages), all.Sum(pool => pool.Used));
        return this;
    }

    public override int Write(string path, string text)
    {
        if (WriteError != 0)
            return WriteError;
        if (path == "/proc/sys/vm/compact_memory")
        {
            Limit = LimitWhenCompacted ?? Limit;
            return 0;
        }

        // .../hugepages-2048kB/nr_hugepages
        string[] parts = path.Split('/');
        ulong kib = ulong.Parse(parts[^2].Split('-')[1][..^2], CultureInfo.InvariantCulture);
        int pages = int.Parse(text, CultureInfo.InvariantCulture);
        if (path.StartsWith("/sys/kernel", StringComparison.Ordinal))
        {
            Resize(0, kib, pages - (pages / 2));
            Resize(1, kib, pages / 2);
        }
        else
        {
            Resize(path.Contains("node1", StringComparison.Ordinal) ? 1 : 0, kib, pages);
        }

        return 0;
    }

    public void Dispose() => _machine.Dispose();

    /// <summary>Not beyond the memory, and not below what is in use.</summary>
    private void Resize(int node, ulong kib, int pages)
    {
        int used = _pools[(node, kib)].Used;
        SetPool(node, kib, Math.Max(used, Math.Min(pages, Limit)), used);
    }

    private void Show(string directory, ulong kib, int pages, int used)
    {
        _machine[$"{directory}/hugepages-{kib}kB/nr_hugepages"] = $"{pages}";
        _machine[$"{directory}/hugepages-{kib}kB/free_hugepages"] = $"{pages - used}";
    }
}
