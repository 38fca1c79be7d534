using Dataplane.Testing;

namespace Dataplane.Interop.Tests.Rig;

/// <summary>Hugepages for a peer at a time, given back after the tests of a class.</summary>
public sealed class PeerHugepages : IDisposable
{
    private const int Pages = 128;

    private readonly HugepageReservation _pages = HugepageReservation.Take(2 << 20, Pages);

    /// <inheritdoc/>
    public void Dispose() => _pages.Dispose();
}
