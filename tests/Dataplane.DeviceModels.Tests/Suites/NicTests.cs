using System.Diagnostics;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>What every NIC can do.</summary>
/// <inheritdoc/>
public abstract class NicTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    private const int LargestFrame = 1514;

    [Fact]
    public void The_port_says_what_it_is_and_can() => Run(bed =>
    {
        Assert.Equal(Model.Driver.Name, bed.Port.DriverName);
        Assert.Equal(Model.PortMacAddress, bed.Port.MacAddress);
        Assert.Equal(Model.Capabilities, bed.Port.Capabilities);
        Assert.Equal(1500, bed.Port.Mtu);
    });

    [Fact]
    public void Frames_of_every_size_are_received_byte_for_byte() => Run(bed =>
    {
        bed.Start();
        AssertArrive(bed, Sizes().Select(size => TestFrames.To(bed.Port.MacAddress, size, size)));
    });

    [Fact]
    public void Frames_of_every_size_are_sent_byte_for_byte() => Run(bed =>
    {
        bed.Start();
        AssertLeave(bed, Sizes().Select(size => TestFrames.To(TestFrames.Stranger, size, size)));
    });

    [Fact]
    public void Tagged_frames_of_the_largest_size_pass_with_their_tag() => Run(bed =>
    {
        bed.Start();
        AssertArrive(bed, [TestFrame.Tag(TestFrames.To(bed.Port.MacAddress, LargestFrame), 0x0123)]);
        AssertLeave(bed, [TestFrame.Tag(TestFrames.To(TestFrames.Stranger, LargestFrame), 0x0123)]);
    });

    [Theory]
    [InlineData(64)]
    [InlineData(512)]
    public void Rings_wrap_around(int descriptors) => Run(bed =>
    {
        bed.Start(configuration => configuration with { RxDescriptors = descriptors, TxDescriptors = descriptors });
        int number = 0;
        for (int burst = 1; number < 5 * descriptors; burst = (burst % 40) + 1)
        {
            var frames = Enumerable.Range(number, burst).ToArray();
            AssertArrive(bed, frames.Select(i => TestFrames.To(bed.Port.MacAddress, 60 + (i % 300), i)));
            AssertLeave(bed, frames.Select(i => TestFrames.To(TestFrames.Stranger, 60 + (i % 300), i)));
            number += burst;
        }
    });

    [Fact]
    public void A_full_rx_ring_takes_up_again_when_it_is_polled() => Run(bed =>
    {
        const int Count = 1000;
        bed.Start(configuration => configuration with { RxDescriptors = 128 });
        for (int round = 0; round < 3; round++)
        {
            foreach (byte[] frame in ToPort(bed, Count))
                bed.Wire.Send(frame);
            Thread.Sleep(20);
            AssertNumbersRise(bed.ReceiveUntilMarker(), 0, Count);
        }
    });

    [Fact]
    public void A_burst_larger_than_the_tx_ring_is_taken_in_parts() => Run(bed =>
    {
        byte[][] frames = [.. FromPort(300)];
        bed.Start(configuration => configuration with { TxDescriptors = 128 });
        Packet[] packets = [.. frames.Select(frame => bed.CreatePacket(frame))];
        int taken = bed.Port.TxQueues[0].Send(packets);
        Assert.InRange(taken, 1, 128);
        AssertOnWire(bed.Wire, frames[..taken]);
        bed.Send(packets.AsSpan(taken));
        AssertOnWire(bed.Wire, frames[taken..]);
    });

    [Fact]
    public void An_empty_burst_is_nothing() => Run(bed =>
    {
        bed.Start();
        Assert.Equal(0, bed.Port.TxQueues[0].Send([]));
        Assert.Equal(0, bed.Port.RxQueues[0].Receive([]));
        Assert.Equal(0, bed.Port.RxQueues[0].Receive(new Packet[32]));
    });

    [Fact]
    public void Sent_buffers_come_back_to_the_pool() => Run(
        bed =>
        {
            // Many times what the pool has.
            bed.Start(configuration => configuration with { RxDescriptors = 64, TxDescriptors = 64 });
            for (int i = 0; i < 40; i++)
                AssertLeave(bed, FromPort(32));
        },
        new MempoolOptions { Count = 300, CacheSize = 16 });

    [Fact]
    public void An_empty_mempool_delays_frames_and_is_counted() => Run(
        bed =>
        {
            const int Count = 400;
            bed.Start(configuration => configuration with { RxDescriptors = 128 });
            foreach (byte[] frame in ToPort(bed, Count))
                bed.Wire.Send(frame);

            // The program keeps all that it gets.
            var kept = new List<Packet>();
            var burst = new Packet[32];
            long start = Stopwatch.GetTimestamp();
            while (bed.Port.GetStatistics().RxNoMbuf == 0)
            {
                kept.AddRange(burst[..bed.Port.RxQueues[0].Receive(burst)]);
                Assert.True(Stopwatch.GetElapsedTime(start) < NicTestBed.Patience, "RxNoMbuf does not count");
            }

            Assert.InRange(kept.Count, 1, 200);
            Assert.Equal(Enumerable.Range(0, kept.Count), kept.Select(packet => TestFrame.NumberOf(packet.Data)));
            Packet.Free(kept.ToArray());
            AssertNumbersRise(bed.ReceiveUntilMarker(), kept.Count, Count - kept.Count);
        },
        new MempoolOptions { Count = 200, CacheSize = 0 });

    [Fact]
    public void Statistics_are_what_the_wire_saw() => Run(bed =>
    {
        bed.Start();
        AssertStatistics(bed, 0, 0, 0, 0);
        byte[][] toPort = [.. ToPort(bed, 40), .. ToPort(bed, 10, 1000)];
        byte[][] fromPort = [.. FromPort(25), .. FromPort(5, 1514)];
        AssertArrive(bed, toPort);
        AssertLeave(bed, fromPort);
        AssertStatistics(bed, 50, (40 * 60) + (10 * 1000), 30, (25 * 60) + (5 * 1514));
        bed.Port.ResetStatistics();
        AssertStatistics(bed, 0, 0, 0, 0);
        AssertArrive(bed, [TestFrames.To(bed.Port.MacAddress, 70)]);
        AssertStatistics(bed, 1, 70, 0, 0);

        // They outlive a stop.
        bed.Port.Stop();
        bed.Port.Start();
        AssertStatistics(bed, 1, 70, 0, 0);
    });

    [Fact]
    public void Only_frames_for_the_port_arrive() => Run(bed =>
    {
        bed.Start();
        MacAddress first = bed.Port.MacAddress;
        AssertFilters(bed, accepted: [first, TestFrames.Broadcast], refused: [TestFrames.Stranger, TestFrames.Group]);
        var second = new MacAddress([0x02, 0, 0, 0, 0x77, 0x01]);
        bed.Port.SetMacAddress(second);
        AssertFilters(bed, accepted: [second, TestFrames.Broadcast], refused: [first, TestFrames.Stranger, TestFrames.Group]);

        // What was set stays over a stop.
        bed.Port.Stop();
        bed.Port.Start();
        AssertFilters(bed, accepted: [second, TestFrames.Broadcast], refused: [first, TestFrames.Stranger]);
    });

    [Fact]
    public void The_link_follows_the_cable() => Run(bed =>
    {
        bed.Start();
        LinkStatus up = bed.Port.GetLink();
        Assert.True(up is { IsUp: true, FullDuplex: true, SpeedMbps: > 0 }, up.ToString());
        for (int i = 0; i < 2; i++)
        {
            bed.Machine.SetLink(up: false);
            NicTestBed.WaitFor(() => !bed.Port.GetLink().IsUp, "the link did not go down");
            bed.Machine.SetLink(up: true);
            NicTestBed.WaitFor(() => bed.Port.GetLink().IsUp, "the link did not come back");
            Assert.Equal(up, bed.Port.GetLink());
            AssertArrive(bed, ToPort(bed, 10));
            AssertLeave(bed, FromPort(10));
        }
    });

    [Fact]
    public void A_port_starts_without_a_cable() => Run(bed =>
    {
        bed.Machine.SetLink(up: false);
        bed.Port.Configure(new PortConfiguration(bed.Pool) { RxDescriptors = 128, TxDescriptors = 128 });
        bed.Port.Start();
        Assert.False(bed.Port.GetLink().IsUp);
        bed.Machine.SetLink(up: true);
        NicTestBed.WaitFor(() => bed.Port.GetLink().IsUp, "the link did not come up");
        AssertArrive(bed, ToPort(bed, 10));
        AssertLeave(bed, FromPort(10));
    });

    [Fact]
    public void A_port_stops_and_starts_a_hundred_times() => Run(bed =>
    {
        bed.Start();
        for (int i = 0; i < 100; i++)
        {
            AssertArrive(bed, ToPort(bed, 3));
            AssertLeave(bed, FromPort(3));
            bed.Port.Stop();
            bed.Port.Start();
            NicTestBed.WaitFor(() => bed.Port.GetLink().IsUp, $"the link did not come up at start {i}");
        }

        AssertArrive(bed, ToPort(bed, 300));
        AssertLeave(bed, FromPort(300));
    });

    [Fact]
    public void A_port_stops_with_packets_in_flight() => Run(bed =>
    {
        bed.Start();
        for (int i = 0; i < 10; i++)
        {
            // Some are in the rx ring, some on the wire, none is polled; some may still be in the tx ring.
            foreach (byte[] frame in ToPort(bed, 400))
                bed.Wire.Send(frame);
            byte[][] sent = [.. FromPort(100)];
            bed.Send([.. sent.Select(frame => bed.CreatePacket(frame))]);
            bed.Port.Stop();
            AssertOnWire(bed.Wire, sent);
            bed.Port.Start();
            NicTestBed.WaitFor(() => bed.Port.GetLink().IsUp, "the link did not come up");
            AssertNumbersRise(bed.ReceiveUntilMarker(), 0, 400, mayLose: true);
        }
    });

    [Fact]
    public void A_closed_device_writes_no_memory() => Run(
        bed =>
        {
            const byte Untouched = 0xA5;
            bed.Start();
            AssertArrive(bed, ToPort(bed, 10));
            bed.Port.Dispose();
            var all = new List<Packet>();
            while (bed.Pool.TryAllocate(out Packet packet))
            {
                Assert.True(packet.TryAppend(bed.Pool.DataRoom, out Span<byte> data));
                data.Fill(Untouched);
                all.Add(packet);
            }

            Assert.Equal(bed.Pool.Capacity, all.Count);
            foreach (byte[] frame in ToPort(bed, 50))
                bed.Wire.Send(frame);
            Thread.Sleep(50);
            Assert.All(all, packet => Assert.Equal(-1, packet.Data.IndexOfAnyExcept(Untouched)));
            Packet.Free(all.ToArray());
        },
        new MempoolOptions { Count = 1024, CacheSize = 0 });

    [Fact]
    public void Rings_get_other_sizes_by_a_new_configuration() => Run(bed =>
    {
        foreach ((int rx, int tx) in new[] { (128, 64), (64, 512), (512, 128) })
        {
            bed.Start(configuration => configuration with { RxDescriptors = rx, TxDescriptors = tx });
            AssertArrive(bed, ToPort(bed, 100));
            AssertLeave(bed, FromPort(100));
            bed.Port.Stop();
        }
    });

    [Fact]
    public void A_port_that_was_closed_is_opened_again() => Run(bed =>
    {
        for (int i = 0; i < 3; i++)
        {
            bed.Start();
            AssertArrive(bed, ToPort(bed, 10));
            AssertLeave(bed, FromPort(10));
            bed.Reopen();
            Assert.Equal(0, bed.InUse);
            Assert.Equal(Model.PortMacAddress, bed.Port.MacAddress);
        }
    });

    [Fact]
    public void A_device_that_a_dead_process_left_running_is_taken_over() => Run(bed =>
    {
        bed.Start();
        bed.Port.SetMacAddress(new MacAddress([0x02, 0, 0, 0, 0x77, 0x01]));
        foreach (byte[] frame in ToPort(bed, 400))
            bed.Wire.Send(frame);
        using Port dead = bed.Abandon();
        bed.Start();
        Assert.Equal(Model.PortMacAddress, bed.Port.MacAddress);
        bed.ReceiveUntilMarker();
        AssertArrive(bed, ToPort(bed, 100));
        AssertLeave(bed, FromPort(100));
        bed.Port.Dispose();
    });

    [Fact]
    public void A_device_that_is_pulled_out_neither_hangs_nor_crashes_its_port() => Run(bed =>
    {
        bed.Start();
        AssertArrive(bed, ToPort(bed, 10));
        bed.Machine.PullOut();
        var burst = new Packet[32];
        for (int i = 0; i < 1000; i++)
        {
            Packet[] packets = [bed.CreatePacket(TestFrames.To(TestFrames.Stranger, 60))];
            Packet.Free(packets.AsSpan(bed.Port.TxQueues[0].Send(packets)));
            Packet.Free(burst.AsSpan(0, bed.Port.RxQueues[0].Receive(burst)));
        }

        Assert.False(bed.Port.GetLink().IsUp);
        PortStatistics statistics = bed.Port.GetStatistics();
        Assert.Equal(10ul, statistics.InputPackets);
        Assert.InRange(statistics.InputMissed + statistics.InputErrors + statistics.OutputErrors, 0ul, 2000ul);
        bed.Port.GetExtendedStatistics();
        long start = Stopwatch.GetTimestamp();
        bed.Port.Dispose();
        Assert.True(Stopwatch.GetElapsedTime(start) < NicTestBed.Patience, "closing took too long");
    });

    private static IEnumerable<int> Sizes() => Enumerable.Range(60, LargestFrame - 60 + 1);

    private static void AssertFilters(NicTestBed bed, MacAddress[] accepted, MacAddress[] refused)
    {
        foreach (MacAddress destination in refused.Concat(accepted))
            bed.Wire.Send(TestFrames.To(destination, 60));
        Assert.Equal(
            accepted.Select(destination => destination.ToString()),
            bed.ReceiveUntilMarker().Select(frame => new MacAddress(frame.AsSpan(0, 6)).ToString()));
    }

    private static void AssertStatistics(NicTestBed bed, ulong input, ulong inputBytes, ulong output, ulong outputBytes)
    {
        var expected = new PortStatistics
        {
            InputPackets = input,
            InputBytes = inputBytes,
            OutputPackets = output,
            OutputBytes = outputBytes,
        };
        Assert.Equal(expected, bed.Port.GetStatistics());
        Dictionary<string, ulong> extended = bed.Port.GetExtendedStatistics().ToDictionary(s => s.Name, s => s.Value);
        Assert.Equal(input, extended["rx_good_packets"]);
        Assert.Equal(input, extended["rx_q0_packets"]);
        Assert.Equal(inputBytes, extended["rx_good_bytes"]);
        Assert.Equal(output, extended["tx_good_packets"]);
        Assert.Equal(output, extended["tx_q0_packets"]);
        Assert.Equal(outputBytes, extended["tx_good_bytes"]);

        // What the device itself counted, where it does, by DPDK's names.
        foreach ((string name, ulong value) in new[] { ("rx_total_packets", input), ("tx_total_packets", output) })
        {
            if (extended.TryGetValue(name, out ulong counted))
                Assert.Equal(value, counted);
        }
    }
}
