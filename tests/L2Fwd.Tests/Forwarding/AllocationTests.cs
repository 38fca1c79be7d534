using L2Fwd.Forwarding;

namespace L2Fwd.Tests.Forwarding;

/// <summary>Collections are counted for the whole process: no other test runs at the same time.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    [Theory]
    [InlineData("net_null0", "net_null1")]
    [InlineData("net_ring0,preload=512", "net_ring1,peer=net_ring0")]
    public void Ten_million_packets_are_forwarded_without_an_allocated_byte_or_a_collection(string first, string second)
    {
        using var forwarding = new TestForwarding(first, second);
        long allocated = -1;
        int collections = -1;
        // The loop is stopped from outside and measured from inside: on the lcore's own thread, around Run.
        using var stop = new CancellationTokenSource();
        var lcore = new Thread(() =>
        {
            int collectionsBefore = GC.CollectionCount(0);
            long before = GC.GetAllocatedBytesForCurrentThread();
            forwarding.Loop.Run(stop.Token);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            collections = GC.CollectionCount(0) - collectionsBefore;
        });
        lcore.Start();
        RouteStatistics[] routes = [.. forwarding.Source.Lcores[0].Routes.Select(route => route.Statistics)];
        while (Received(routes) < 10_000_000)
            Thread.Sleep(10);
        stop.Cancel();
        lcore.Join();

        Assert.Equal(0, allocated);
        Assert.Equal(0, collections);
    }

    private static ulong Received(RouteStatistics[] routes)
    {
        ulong received = 0;
        foreach (RouteStatistics route in routes)
            received += route.Received;
        return received;
    }
}
