using Dataplane.Linux;

namespace Dataplane.Core.Tests.Memory;

/// <summary>A directory with the files of /proc and /sys that a test wants the machine to have.</summary>
internal sealed class FakeMachine : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("dataplane-machine-");

    public HostFiles Files => new(_root.FullName);

    public string this[string path]
    {
        set
        {
            string file = Path.Join(_root.FullName, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, value + "\n");
        }
    }

    public void Hugepages(ulong kib, int total, int free, int reserved = 0, int overcommit = 0, int surplus = 0)
    {
        string directory = $"/sys/kernel/mm/hugepages/hugepages-{kib}kB";
        this[$"{directory}/nr_hugepages"] = $"{total}";
        this[$"{directory}/free_hugepages"] = $"{free}";
        this[$"{directory}/resv_hugepages"] = $"{reserved}";
        this[$"{directory}/nr_overcommit_hugepages"] = $"{overcommit}";
        this[$"{directory}/surplus_hugepages"] = $"{surplus}";
    }

    public void Dispose() => _root.Delete(recursive: true);
}
