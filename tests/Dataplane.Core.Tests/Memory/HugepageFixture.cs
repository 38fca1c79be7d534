using Dataplane.Testing;

namespace Dataplane.Core.Tests.Memory;

/// <summary>Alone, because other tests take hugepages too where there are some, and would be charged to a test's cgroup.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class HugepageCollection : ICollectionFixture<HugepageFixture>
{
    public const string Name = "hugepages";
}

/// <summary>Sets hugepages aside for the tests and takes them back afterwards.</summary>
public sealed class HugepageFixture : IDisposable
{
    public const ulong PageSize = 2 << 20;
    private const ulong GigabytePageSize = 1 << 30;
    private const int Pages = 128;

    private readonly HugepageReservation _small = HugepageReservation.Take(PageSize, Pages);
    private readonly HugepageReservation _large = HugepageReservation.Take(GigabytePageSize, 1);

    public bool HasGigabytePages => _large.Count > 0;

    public void Dispose()
    {
        _small.Dispose();
        _large.Dispose();
    }
}
