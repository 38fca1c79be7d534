using Dataplane.Testing;

namespace Versus.Machine;

/// <summary>
/// Hugepages of 2 MiB for whoever is measured and for the peer, given back afterwards. DPDK does not start without any,
/// and ours shall have the same kind.
/// </summary>
internal sealed class Hugepages : IDisposable
{
    /// <summary>512 MiB: testpmd takes 30 MiB of mbufs and some for itself, twice, and leaves room for fragmentation.</summary>
    private const int Needed = 256;

    private readonly HugepageReservation _pages = HugepageReservation.Take(2 << 20, Needed);

    public Hugepages()
    {
        if (_pages.Count == Needed)
            return;
        Dispose();
        throw new VersusException($"Of {Needed} hugepages of 2 MiB only {_pages.Count} are to be had; stop what uses memory, or reboot");
    }

    public void Dispose() => _pages.Dispose();
}
