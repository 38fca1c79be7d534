using Dataplane.Eal;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Tests.Null;

public sealed class NullPortTests
{
    [Fact]
    public void It_fills_every_burst_with_packets_of_64_bytes()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_null0", "net_null1").Start();
        Packet[] burst = test.Receive(port: 1, atMost: 40);

        Assert.Equal(40, burst.Distinct().Count());
        Assert.All(burst, packet => Assert.Equal((64, 1, 1, 128), (packet.Length, packet.SegmentCount, packet.Port, packet.Headroom)));
        PortStatistics statistics = test[1].GetStatistics();
        Assert.Equal((40UL, 2560UL, 0UL), (statistics.InputPackets, statistics.InputBytes, statistics.RxNoMbuf));
        Assert.Empty(test.Receive(port: 1, atMost: 0));
        Packet.Free(burst);
    }

    [Fact]
    public void It_takes_and_frees_all_that_is_sent_and_counts_whole_packets()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_null0").Start();
        Packet[] packets = test.Allocate(3, length: 100), tail = test.Allocate(1, length: 50);
        Assert.True(packets[1].TryChain(tail[0]));

        Assert.Equal(3, test.Send(0, packets));
        Assert.Equal(0, test.Send(0));
        Assert.Equal((3UL, 350UL), (test[0].GetStatistics().OutputPackets, test[0].GetStatistics().OutputBytes));
        Assert.Equal(0, test.InUse);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1518)]
    [InlineData(2048)]
    public void Size_is_that_of_every_received_packet(int size)
    {
        using SoftwareRuntime test = new SoftwareRuntime($"net_null0,size={size}").Start();
        Packet[] burst = test.Receive(0);

        Assert.All(burst, packet => Assert.Equal((size, size), (packet.Length, packet.Data.Length)));
        Assert.Equal((ulong)(32 * size), test[0].GetStatistics().InputBytes);
        Packet.Free(burst);
    }

    [Fact]
    public void A_size_beyond_the_buffers_is_refused_when_they_are_known()
    {
        using var test = new SoftwareRuntime("net_null0,size=2049");

        var error = Assert.Throws<DataplaneException>(() => test.Start());
        Assert.Equal("Port 0 (net_null0) cannot receive packets of size=2049: the buffers of mbuf_pool hold 2048 bytes", error.Message);
    }

    [Theory]
    [InlineData("size=0", "a number from 1 to 65535")]
    [InlineData("size=65536", "a number from 1 to 65535")]
    [InlineData("copy=2", "0 or 1")]
    [InlineData("no-rx=true", "0 or 1")]
    public void Impossible_values_are_refused(string value, string expected)
    {
        var error = Assert.Throws<CommandLineException>(() => new SoftwareRuntime("net_null0," + value).Dispose());
        Assert.Equal($"'{value}' of the device 'net_null0' is not {expected}", error.Message);
    }

    [Fact]
    public void With_copy_the_bytes_of_each_packet_are_written_on_receipt()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_null0,copy=1,size=70").Start();
        Packet[] used = test.Allocate(32, length: 200);
        foreach (Packet packet in used)
            packet.Data.Fill(0xEE);
        Assert.Equal(32, test.Send(0, used));
        Packet[] burst = test.Receive(0);

        Assert.All(burst, packet => Assert.Equal(new byte[70], packet.Data.ToArray()));
        Packet.Free(burst);
    }

    [Fact]
    public void With_copy_the_largest_packets_can_be_sent()
    {
        using SoftwareRuntime test = new SoftwareRuntime(
            new MempoolOptions { Count = 4, CacheSize = 0, DataRoom = 65407 }, "net_null0,copy=1").Start();

        Assert.Equal(1, test.Send(0, test.Allocate(1, length: 65407)));
        Assert.Equal(0, test.InUse);
    }

    [Fact]
    public void With_no_rx_nothing_is_received_and_sending_works()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_null0,no-rx=1").Start();

        Assert.Empty(test.Receive(0));
        Assert.Equal(2, test.Send(0, test.Allocate(2)));
        Assert.Equal((0UL, 0UL), (test[0].GetStatistics().InputPackets, test[0].GetStatistics().RxNoMbuf));
    }

    [Fact]
    public void An_empty_pool_is_counted_and_ends_when_packets_come_back()
    {
        using SoftwareRuntime test = new SoftwareRuntime(new MempoolOptions { Count = 40, CacheSize = 8 }, "net_null0").Start();
        Packet[] burst = test.Receive(0);

        Assert.Equal(32, burst.Length);
        Assert.Empty(test.Receive(0));
        Assert.Equal((32UL, 1UL), (test[0].GetStatistics().InputPackets, test[0].GetStatistics().RxNoMbuf));
        Packet.Free(burst);
        burst = test.Receive(0);
        Assert.Equal(32, burst.Length);
        Packet.Free(burst);
    }

    [Fact]
    public void Queues_count_on_their_own()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_null0").Start(queues: 3);
        Packet.Free(test.Receive(0, atMost: 5, queue: 2));

        Assert.Equal([0, 0, 5], Enumerable.Range(0, 3).Select(queue => test[0].GetRxQueueStatistics(queue).Packets));
    }
}
