using Dataplane.Linux;

namespace Dataplane.Testing;

/// <summary>A directory with the files of /proc and /sys that a test wants the machine to have.</summary>
internal sealed class FakeMachine : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("dataplane-machine-");

    public string Root => _root.FullName;

    public HostFiles Files => new(Root);

    public string this[string path]
    {
        set => File.WriteAllText(PathOfNew(path), value + "\n");
    }

    /// <summary>Makes a symbolic link, or points it elsewhere.</summary>
    public void Link(string path, string target)
    {
        string link = PathOfNew(path);
        File.Delete(link);
        File.CreateSymbolicLink(link, target);
    }

    public void MakeDirectory(string path) => Directory.CreateDirectory(Path.Join(Root, path));

    /// <summary>Removes a file, a link, or a directory with all that is in it.</summary>
    public void Remove(string path)
    {
        string full = Path.Join(Root, path);
        if (Directory.Exists(full) && new DirectoryInfo(full).LinkTarget is null)
            Directory.Delete(full, recursive: true);
        else
            File.Delete(full);
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

    private string PathOfNew(string path)
    {
        string file = Path.Join(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        return file;
    }
}
