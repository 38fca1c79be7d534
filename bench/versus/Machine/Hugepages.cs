namespace Versus.Machine;

/// <summary>
/// Hugepages of 2 MiB for whoever is measured and for the peer, given back afterwards. DPDK does not start without any,
/// and ours shall have the same kind.
/// </summary>
internal sealed class Hugepages : IDisposable
{
    /// <summary>512 MiB: testpmd takes 30 MiB of mbufs and some for itself, twice, and leaves room for fragmentation.</summary>
    private const int Needed = 256;

    private const string Directory = "/sys/kernel/mm/hugepages/hugepages-2048kB/";

    private readonly int _before = Read("nr_hugepages");
    private readonly bool _raised;

    public Hugepages()
    {
        int missing = Needed - Read("free_hugepages");
        if (missing <= 0)
            return;
        _raised = true;
        Write(_before + missing);
        if (Read("free_hugepages") >= Needed)
            return;
        Dispose();
        throw new VersusException($"Of {Needed} hugepages of 2 MiB only {Read("free_hugepages")} are to be had; stop what uses memory, or reboot");
    }

    public void Dispose()
    {
        if (_raised)
            Write(_before);
    }

    private static int Read(string file) => int.Parse(File.ReadAllText(Directory + file));

    private static void Write(int pages) => File.WriteAllText($"{Directory}nr_hugepages", $"{pages}\n");
}
