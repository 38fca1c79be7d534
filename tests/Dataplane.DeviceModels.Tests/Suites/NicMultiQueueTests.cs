using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>NICs that spread packets over several rx queues by a hash, and send from several tx queues.</summary>
/// <inheritdoc/>
public abstract unsafe class NicMultiQueueTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    private const int Flows = 200;

    private int RxQueues => Math.Min(4, Model.Capabilities.MaxRxQueues);

    private int TxQueues => Math.Min(4, Model.Capabilities.MaxTxQueues);

    [Fact]
    public void Flows_are_spread_and_each_stays_on_its_queue() => Run(bed =>
    {
        Start(bed, RxQueues, TxQueues);
        foreach (IpFrame kind in Hashed())
        {
            int[] first = Spread(bed, kind);
            Assert.Equal(first, Spread(bed, kind));
            int[] perQueue = [.. Enumerable.Range(0, RxQueues).Select(queue => first.Count(q => q == queue))];
            // Far from even would still be found; a hash is not a dice.
            Assert.All(perQueue, count => Assert.InRange(count, Flows / RxQueues / 3, Flows * 2 / RxQueues));
        }
    });

    [Fact]
    public void Frames_without_a_hash_go_to_queue_0() => Run(bed =>
    {
        Start(bed, RxQueues, TxQueues);
        AssertArrive(bed, ToPort(bed, 100));
    });

    [Fact]
    public void Without_a_hash_everything_goes_to_queue_0() => Run(bed =>
    {
        bed.Start(configuration => configuration with { RxQueues = RxQueues, RssHash = RssHash.None });
        Assert.All(Spread(bed, IpFrame.Kinds[0]), queue => Assert.Equal(0, queue));
    });

    [Fact]
    public void Every_tx_queue_sends() => Run(bed =>
    {
        Start(bed, RxQueues, TxQueues);
        for (int round = 0; round < 10; round++)
        {
            for (int queue = 0; queue < TxQueues; queue++)
            {
                byte[][] frames = [.. FromPort(50, 60 + queue)];
                bed.Send([.. frames.Select(frame => bed.CreatePacket(frame))], queue);
                AssertOnWire(bed.Wire, frames);
            }
        }

        for (int queue = 0; queue < TxQueues; queue++)
            Assert.Equal(500ul, bed.Port.GetTxQueueStatistics(queue).Packets);
    });

    [Fact]
    public void Queue_counts_change_by_a_new_configuration() => Run(bed =>
    {
        foreach ((int rx, int tx) in new[] { (1, 1), (RxQueues, 1), (1, TxQueues), (2, TxQueues), (RxQueues, TxQueues), (1, 1) })
        {
            Start(bed, rx, tx);
            int[] queues = Spread(bed, Hashed().First());
            Assert.Equal(Enumerable.Range(0, rx), queues.Distinct().Order());
            for (int queue = 0; queue < tx; queue++)
                bed.Send(TestFrames.To(TestFrames.Stranger, 60, queue), queue);
            AssertOnWire(bed.Wire, Enumerable.Range(0, tx).Select(queue => TestFrames.To(TestFrames.Stranger, 60, queue)));
            bed.Port.Stop();
        }
    });

    [Fact]
    public void The_hash_is_given_and_is_that_of_the_flow() => Run(bed =>
    {
        if (!Model.Capabilities.Offloads.HasFlag(PortOffloads.RxRssHash))
        {
            Assert.Throws<DataplaneException>(() => Start(bed, RxQueues, TxQueues, PortOffloads.RxRssHash));
            return;
        }

        Start(bed, RxQueues, TxQueues, PortOffloads.RxRssHash);
        IpFrame kind = Hashed().First();
        uint[] first = Hashes(bed, kind);
        Assert.Equal(first, Hashes(bed, kind));
        Assert.InRange(first.Distinct().Count(), Flows - 2, Flows);
    });

    private static void Start(NicTestBed bed, int rxQueues, int txQueues, PortOffloads offloads = PortOffloads.None) =>
        bed.Start(configuration => configuration with { RxQueues = rxQueues, TxQueues = txQueues, Offloads = offloads });

    /// <summary>The kinds of packets whose ports, or at least addresses, the device hashes.</summary>
    private IEnumerable<IpFrame> Hashed()
    {
        RssHash hash = Model.Capabilities.RssHash;
        return IpFrame.Kinds.Where(kind =>
            hash.HasFlag(RssHash.Ip) || hash.HasFlag(kind.IsTcp ? RssHash.Tcp : RssHash.Udp));
    }

    /// <summary>Sends a packet of each flow.</summary>
    /// <returns>The queue of each.</returns>
    private static int[] Spread(NicTestBed bed, IpFrame kind)
    {
        int[] queues = new int[Flows];
        Collect(bed, kind, (queue, packet, flow) => queues[flow] = queue);
        return queues;
    }

    private static uint[] Hashes(NicTestBed bed, IpFrame kind)
    {
        uint[] hashes = new uint[Flows];
        Collect(bed, kind, (_, packet, flow) =>
        {
            Assert.Equal(MbufFlags.RxRssHash, packet.Mbuf->Flags);
            hashes[flow] = packet.Mbuf->RssHash;
        });
        return hashes;
    }

    private static void Collect(NicTestBed bed, IpFrame kind, Action<int, Packet, int> see)
    {
        IpFrame toPort = kind with { Destination = bed.Port.MacAddress };
        byte[][] frames = [.. Enumerable.Range(0, Flows).Select(flow => (toPort with { Flow = (ushort)flow }).Create())];
        foreach (byte[] frame in frames)
            bed.Wire.Send(frame);
        int arrived = 0;
        var burst = new Packet[32];
        var seen = new bool[Flows];
        NicTestBed.WaitFor(
            () =>
            {
                for (int queue = 0; queue < bed.Port.RxQueues.Count; queue++)
                {
                    int count = bed.Port.RxQueues[queue].Receive(burst);
                    for (int i = 0; i < count; i++)
                    {
                        byte[] content = NicTestBed.Content(burst[i]);
                        int flow = Array.FindIndex(frames, frame => frame.AsSpan().SequenceEqual(content));
                        Assert.True(flow >= 0 && !seen[flow], "a frame was changed or came twice");
                        seen[flow] = true;
                        see(queue, burst[i], flow);
                    }

                    Packet.Free(burst.AsSpan(0, count));
                    arrived += count;
                }

                return arrived == Flows;
            },
            "frames are missing");
    }
}
