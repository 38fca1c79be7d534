using System.Buffers.Binary;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.Pcap;

public sealed class PcapReceiveTests : IDisposable
{
    private readonly CaptureFixture _captures = new();

    public void Dispose() => _captures.Dispose();

    [Theory]
    [InlineData("pcap")]
    [InlineData("nsecpcap")]
    [InlineData("pcapng")]
    public void The_frames_of_a_capture_are_received_in_order_and_then_no_more(string format)
    {
        string path = _captures.PathOf("in");
        Shell.Run("editcap", "-F", format, CaptureFixture.Mixed, path);
        byte[][] expected = FramesOf(path);
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={path}").Start();

        Assert.Equal(expected, rig.Receive(expected.Length));

        Assert.Equal(0, rig.Port.RxQueues[0].Receive(new Packet[32]));
        Assert.Equal(0, rig.Port.RxQueues[0].Receive(new Packet[32]));
        Assert.True(rig.Port.GetLink().IsUp);
        PortStatistics statistics = rig.Port.GetStatistics();
        Assert.Equal((88ul, (ulong)expected.Sum(f => f.Length)), (statistics.InputPackets, statistics.InputBytes));
        Assert.Equal(0, rig.Missing);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(88)]
    [InlineData(1024)]
    public void With_infinite_rx_the_frames_come_again_and_again(int frames)
    {
        byte[][] expected = [.. Enumerable.Range(0, frames).Select(i => Numbered(60 + (i % 1400), i))];
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={Write(expected)},infinite_rx=1").Start();

        List<byte[]> received = rig.Receive(5000);

        Assert.Equal(5000ul, rig.Port.GetStatistics().InputPackets);
        for (int i = 0; i < received.Count; i++)
            Assert.Equal(expected[i % frames], received[i]);
        Assert.Equal(0, rig.Missing);
    }

    [Fact]
    public void With_infinite_rx_bursts_are_full_also_where_the_capture_starts_again()
    {
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={CaptureFixture.Mixed},infinite_rx=1").Start();
        var burst = new Packet[32];
        for (int i = 0; i < 200; i++)
        {
            Assert.Equal(32, rig.Port.RxQueues[0].Receive(burst));
            Packet.Free(burst);
        }
    }

    [Fact]
    public void With_infinite_rx_what_the_program_writes_into_a_packet_does_not_come_back()
    {
        byte[][] expected = FramesOf(CaptureFixture.Mixed);
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={CaptureFixture.Mixed},infinite_rx=1").Start();
        var burst = new Packet[44];
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(44, rig.Port.RxQueues[0].Receive(burst));
            for (int k = 0; k < burst.Length; k++)
            {
                Assert.Equal(expected[((i * 44) + k) % 88], PcapRig.BytesOf(burst[k]));
                burst[k].Data.Fill(0xEE);
            }

            Packet.Free(burst);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(",infinite_rx=1")]
    public void A_capture_larger_than_all_buffers_is_received_whole(string keys)
    {
        // 24 MB in frames of many lengths: several times what is read ahead.
        byte[][] expected = [.. Enumerable.Range(0, 32_000).Select(i => Numbered(60 + ((i * 7919) % 1455), i))];
        using PcapRig rig = new PcapRig(new MempoolOptions { Count = 128, CacheSize = 0 },
            $"net_pcap0,rx_pcap={Write(expected)}{keys}").Start();

        Assert.Equal(expected, rig.Receive(expected.Length));

        Assert.Equal(0ul, rig.Port.GetStatistics().InputErrors);
    }

    [Theory]
    [InlineData("", 2048)]
    [InlineData(",infinite_rx=1", 2048)]
    [InlineData("", 100)]
    [InlineData("", 1000)]
    public void A_frame_longer_than_a_buffer_is_received_in_a_chain(string keys, int dataRoom)
    {
        byte[][] expected = [.. new[] { 60, 9000, 2048, 2049, 64, 999, 1000, 1001, 65557, 14 }.Select(Numbered)];
        var pool = new MempoolOptions { Count = 1024, CacheSize = 0, DataRoom = dataRoom };
        using PcapRig rig = new PcapRig(pool, $"net_pcap0,rx_pcap={Write(expected)}{keys}").Start();

        Assert.Equal(expected, rig.Receive(expected.Length));
        Assert.Equal(0, rig.Missing);
        var burst = new Packet[1];
        if (rig.Port.RxQueues[0].Receive(burst) == 0)
            return;
        Packet.Free(burst);
        Assert.Equal(1, rig.Port.RxQueues[0].Receive(burst));
        Assert.Equal((9000 + dataRoom - 1) / dataRoom, burst[0].SegmentCount);
        Packet.Free(burst);
    }

    [Fact]
    public void Frames_that_no_port_can_receive_are_counted_as_errors()
    {
        byte[][] frames = [new byte[13], Numbered(60, 1), new byte[65558], [], Numbered(60, 2)];
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={Write(frames)}").Start();

        Assert.Equal([frames[1], frames[4]], rig.Receive(2));

        Assert.Equal((2ul, 3ul), (rig.Port.GetStatistics().InputPackets, rig.Port.GetStatistics().InputErrors));
    }

    [Fact]
    public void A_frame_longer_than_the_whole_pool_is_counted_as_an_error()
    {
        byte[][] frames = [Numbered(9000, 0), Numbered(60, 1)];
        using PcapRig rig = new PcapRig(new MempoolOptions { Count = 4, CacheSize = 0 },
            $"net_pcap0,rx_pcap={Write(frames)}").Start();

        Assert.Equal([frames[1]], rig.Receive(1));
        Assert.Equal(1ul, rig.Port.GetStatistics().InputErrors);
    }

    [Fact]
    public void An_empty_pool_loses_nothing_and_is_counted()
    {
        byte[][] expected = FramesOf(CaptureFixture.Mixed);
        using PcapRig rig = new PcapRig(new MempoolOptions { Count = 8, CacheSize = 0 },
            $"net_pcap0,rx_pcap={CaptureFixture.Mixed}").Start();
        var held = new Packet[8];
        Assert.Equal(8, rig.Port.RxQueues[0].Receive(held));

        Assert.Equal(0, rig.Port.RxQueues[0].Receive(new Packet[4]));

        Assert.Equal(1ul, rig.Port.GetStatistics().RxNoMbuf);
        Packet.Free(held);
        Assert.Equal(expected[8..12], rig.Receive(4));
    }

    [Fact]
    public void Each_file_is_a_queue_of_its_own()
    {
        byte[][] first = [Numbered(60, 1), Numbered(61, 2)], second = [Numbered(62, 3)];
        using PcapRig rig = new PcapRig(
            $"net_pcap0,rx_pcap={Write(first)},rx_pcap={Write(second)}," +
            $"tx_pcap={_captures.PathOf("a")},tx_pcap={_captures.PathOf("b")}").Start(2, 2);

        Assert.Equal((2, 2), (rig.Port.Capabilities.MaxRxQueues, rig.Port.Capabilities.MaxTxQueues));
        rig.Forward(2, queue: 0);
        rig.Forward(1, queue: 1);
        rig.Port.Stop();

        Assert.Equal(first, FramesOf(_captures.PathOf("a")));
        Assert.Equal(second, FramesOf(_captures.PathOf("b")));
        Assert.Equal(2ul, rig.Port.GetRxQueueStatistics(0).Packets);
    }

    [Fact]
    public void A_port_that_is_started_again_receives_its_captures_from_the_start()
    {
        byte[][] expected = FramesOf(CaptureFixture.Mixed);
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={CaptureFixture.Mixed}").Start();
        rig.Receive(10);
        rig.Port.Stop();
        rig.Start();

        Assert.Equal(expected, rig.Receive(88));
    }

    [Fact]
    public void With_eof_the_link_goes_down_when_everything_is_received()
    {
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={CaptureFixture.Mixed},eof=1").Start();
        var links = new List<LinkStatus>();
        Assert.True(rig.Port.GetLink().IsUp);
        rig.Port.LinkChanged += (_, link) =>
        {
            lock (links)
                links.Add(link);
        };
        rig.Receive(88);
        Assert.Equal(0, rig.Port.RxQueues[0].Receive(new Packet[1]));

        PcapRig.Await(() => !rig.Port.GetLink().IsUp, "link down");
        lock (links)
            Assert.Equal([LinkStatus.Down], links);
    }

    [Fact]
    public void Who_is_told_of_the_end_may_close_the_port()
    {
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={CaptureFixture.Mixed},eof=1").Start();
        rig.Port.LinkChanged += (_, _) => rig.Port.Dispose();
        rig.Receive(88);
        Assert.Equal(0, rig.Port.RxQueues[0].Receive(new Packet[1]));

        PcapRig.Await(() => rig.Port.State == PortState.Closed, "closed port");
    }

    [Fact]
    public async Task A_pipe_is_received_as_frames_come()
    {
        string pipe = _captures.PathOf("pipe");
        Shell.Run("mkfifo", pipe);
        byte[] first = Numbered(60, 1), second = Numbered(1514, 2);
        using var input = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        await input.WriteAsync(new CaptureBuilder().PcapHeader().PcapRecord(0, 0, first).ToArray());
        await Task.Run(() =>
        {
            using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={pipe}").Start();
            Assert.Equal([first], rig.Receive(1));
            input.Write(new CaptureBuilder().PcapRecord(0, 0, second).PcapRecord(0, 0, first).ToArray());
            Assert.Equal([second], rig.Receive(1));
            rig.Port.Stop();
            rig.Start();
            input.Write(new CaptureBuilder().PcapRecord(0, 0, second).ToArray());
            Assert.Equal([second], rig.Receive(1));
        });
    }

    [Fact]
    public void A_fault_near_the_start_of_a_capture_is_an_error_of_the_start()
    {
        byte[] bad = new CaptureBuilder()
            .PcapHeader().PcapRecord(0, 0, Numbered(60, 1)).U32(0, 0, 4_000_000_000, 1).ToArray();
        using var rig = new PcapRig($"net_pcap0,rx_pcap={_captures.Write("bad", bad)}");

        string message = Assert.Throws<DataplaneException>(() => rig.Start()).Message;

        Assert.Contains("at byte 100 a frame claims 4000000000 captured bytes", message, StringComparison.Ordinal);
        Assert.Equal(PortState.Stopped, rig.Port.State);
    }

    [Fact]
    public void A_fault_later_in_a_capture_is_logged_and_counted_and_ends_it()
    {
        byte[] good = Numbered(1514, 1);
        var builder = new CaptureBuilder().PcapHeader();
        const int Count = 8000;
        for (int i = 0; i < Count; i++)
            builder.PcapRecord(0, 0, good);
        string path = _captures.Write("bad", builder.U32(0, 0, 4_000_000_000, 1).ToArray());
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={path}").Start();

        Assert.All(rig.Receive(Count), frame => Assert.Equal(good, frame));

        PcapRig.Await(
            () => rig.Port.RxQueues[0].Receive(new Packet[1]) == 0 && rig.Port.GetStatistics().InputErrors == 1,
            "ierrors");
        Assert.Contains(
            rig.Logged, line => line.Contains("claims 4000000000 captured bytes", StringComparison.Ordinal));
    }

    [Fact]
    public void A_capture_that_breaks_off_is_received_up_to_there_and_told()
    {
        byte[] whole = File.ReadAllBytes(CaptureFixture.Mixed);
        using PcapRig rig = new PcapRig(
            $"net_pcap0,rx_pcap={_captures.Write("cut", whole.AsSpan(0, whole.Length - 1))}").Start();

        rig.Receive(87);

        PcapRig.Await(
            () => rig.Logged.Any(line => line.Contains("breaks off at byte 49308", StringComparison.Ordinal)), "notice");
        Assert.Equal(0, rig.Port.RxQueues[0].Receive(new Packet[1]));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",tx_pcap=/dev/null")]
    public void Replaying_and_sending_a_million_packets_allocates_nothing(string tx)
    {
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={CaptureFixture.Mixed},infinite_rx=1{tx}").Start();
        RxQueue receive = rig.Port.RxQueues[0];
        TxQueue send = rig.Port.TxQueues[0];
        var burst = new Packet[32];
        long Run(int bursts)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < bursts; i++)
            {
                int received = receive.Receive(burst);
                for (int sent = 0; sent < received;)
                    sent += send.Send(burst.AsSpan(sent, received - sent));
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Run(10);
        Assert.Equal(0, Run(1_000_000 / 32));
        Assert.Equal((ulong)(10 + (1_000_000 / 32)) * 32, rig.Port.GetStatistics().OutputPackets);
    }

    private static byte[] Numbered(int length, int number)
    {
        var frame = new byte[length];
        for (int i = 0; i < length; i++)
            frame[i] = (byte)((i * 31) + number);
        if (length >= 4)
            BinaryPrimitives.WriteInt32BigEndian(frame, number);
        return frame;
    }

    private static byte[][] FramesOf(string path) => [.. CaptureFixture.Read(path).Select(f => f.Data)];

    private string Write(byte[][] frames)
    {
        var builder = new CaptureBuilder().PcapHeader(snapLength: 262144);
        foreach (byte[] frame in frames)
            builder.PcapRecord(0, 0, frame);
        return _captures.Write(Guid.NewGuid().ToString(), builder.ToArray());
    }
}
