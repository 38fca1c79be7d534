namespace Dataplane.Core.Tests.Lcores;

/// <summary>A directory that stands for / in tests of what is read from /proc and /sys.</summary>
internal sealed class FakeRoot : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("dataplane-root-").FullName;

    public FakeRoot Write(string file, string text)
    {
        string path = System.IO.Path.Join(Path, file);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return this;
    }

    /// <summary>A CPU as sysfs shows it.</summary>
    public FakeRoot Cpu(int cpu, int core, int package, string siblings, string file = "thread_siblings_list") => this
        .Write($"sys/devices/system/cpu/cpu{cpu}/topology/core_id", $"{core}\n")
        .Write($"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id", $"{package}\n")
        .Write($"sys/devices/system/cpu/cpu{cpu}/topology/{file}", $"{siblings}\n");

    public FakeRoot Online(string cpus) => Write("sys/devices/system/cpu/online", cpus + "\n");

    public FakeRoot Nodes(params string[] cpuLists)
    {
        Write("sys/devices/system/node/online", $"0-{cpuLists.Length - 1}\n");
        for (int node = 0; node < cpuLists.Length; node++)
            Write($"sys/devices/system/node/node{node}/cpulist", cpuLists[node] + "\n");
        return this;
    }

    /// <summary>A server with two packages of two cores of two threads: CPU n and n + 4 are one core.</summary>
    public static FakeRoot SmtServer()
    {
        FakeRoot root = new FakeRoot().Online("0-7").Nodes("0-1,4-5", "2-3,6-7");
        for (int cpu = 0; cpu < 8; cpu++)
            root.Cpu(cpu, core: cpu % 2, package: cpu % 4 / 2, $"{cpu % 4},{cpu % 4 + 4}");
        return root;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
