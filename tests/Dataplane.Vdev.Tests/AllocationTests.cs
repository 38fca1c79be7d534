using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Tests;

/// <summary>Alone in the process: any other test would collect garbage of its own.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AllocationCollection
{
    public const string Name = "allocations";
}

[Collection(AllocationCollection.Name)]
public sealed class AllocationTests
{
    private const long Packets = 10_000_000;

    [Theory]
    [InlineData("net_null0")]
    [InlineData("net_null0,copy=1")]
    [InlineData("net_ring0,preload=256")]
    [InlineData("net_ring0,nodeaction=lan:0:CREATE,preload=256")]
    public void Ten_million_packets_allocate_nothing_and_collect_nothing(string device)
    {
        using SoftwareRuntime test = new SoftwareRuntime(device).Start();
        RxQueue rx = test[0].RxQueues[0];
        TxQueue tx = test[0].TxQueues[0];
        _ = Forward(rx, tx, packets: 100_000);
        GC.Collect();
        int collections = GC.CollectionCount(0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long forwarded = Forward(rx, tx, Packets);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal((0L, 0), (allocated, GC.CollectionCount(0) - collections));
        Assert.InRange(forwarded, Packets, Packets + 32);
        Assert.InRange(test[0].GetStatistics().OutputPackets, (ulong)Packets, ulong.MaxValue);
    }

    private static long Forward(RxQueue rx, TxQueue tx, long packets)
    {
        Span<Packet> burst = stackalloc Packet[32];
        long forwarded = 0;
        while (forwarded < packets)
        {
            int received = rx.Receive(burst);
            int sent = tx.Send(burst[..received]);
            if (sent != received)
                Packet.Free(burst[sent..received]);
            forwarded += sent;
        }

        return forwarded;
    }
}
