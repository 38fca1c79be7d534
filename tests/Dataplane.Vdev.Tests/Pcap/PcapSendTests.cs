using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.Pcap;

public sealed class PcapSendTests : IDisposable
{
    private readonly CaptureFixture _captures = new();

    public void Dispose() => _captures.Dispose();

    [Fact]
    public void A_capture_goes_through_and_comes_out_byte_for_byte()
    {
        string path = _captures.PathOf("out.pcap");
        List<Frame> expected = CaptureFixture.Read(CaptureFixture.Mixed);
        long start = Now();
        using (PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={CaptureFixture.Mixed},tx_pcap={path}").Start())
        {
            rig.Forward(88);
            Assert.Equal(0, rig.Missing);
            rig.Port.Stop();

            List<Frame> actual = _captures.ReadWithTcpdump(path);
            CaptureFixture.AssertSame([.. expected.Select(f => f.Data)], [.. actual.Select(f => f.Data)]);
            Assert.All(actual, f => Assert.InRange(f.TimestampNs, start - 1_000_000, Now() + 1_000_000));
            Assert.Equal(actual.Select(f => f.TimestampNs).Order(), actual.Select(f => f.TimestampNs));
            PortStatistics statistics = rig.Port.GetStatistics();
            Assert.Equal(88ul, statistics.OutputPackets);
            Assert.Equal((ulong)expected.Sum(f => f.Data.Length), statistics.OutputBytes);
        }

        Assert.Equal(88, CaptureFixture.Read(path).Count);
    }

    [Fact]
    public void What_is_sent_is_in_the_file_soon_without_a_stop()
    {
        string path = _captures.PathOf("out.pcap");
        using PcapRig rig = new PcapRig($"net_pcap0,tx_pcap={path}").Start();
        rig.Send(new byte[60]);

        PcapRig.Await(() => new FileInfo(path).Length == 24 + 16 + 60, "record in the file");
        Assert.Equal(0, rig.Port.RxQueues[0].Receive(new Packet[1]));
    }

    [Fact]
    public void Chained_packets_are_written_whole()
    {
        string path = _captures.PathOf("out.pcap");
        byte[] frame = [.. Enumerable.Range(0, 9000).Select(i => (byte)(i * 13))];
        using PcapRig rig = new PcapRig($"net_pcap0,tx_pcap={path}").Start();

        rig.Send(frame);
        rig.Send(frame.AsSpan(0, 70), segmentLength: 1);
        rig.Port.Stop();

        List<Frame> written = _captures.ReadWithTcpdump(path);
        CaptureFixture.AssertSame(new[] { frame, frame[..70] }, [.. written.Select(f => f.Data)]);
        Assert.Equal(0, rig.Missing);
    }

    [Fact]
    public void The_snap_length_cuts_what_is_written_and_the_precision_is_chosen()
    {
        string path = _captures.PathOf("out.pcap");
        byte[] frame = [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 13))];
        using PcapRig rig = new PcapRig($"net_pcap0,tx_pcap={path},snaplen=100,precision=us").Start();
        rig.Send(frame, segmentLength: 64);
        rig.Send(frame.AsSpan(0, 99));
        rig.Port.Stop();

        List<Frame> written = _captures.ReadWithTcpdump(path);
        CaptureFixture.AssertSame(new[] { frame[..100], frame[..99] }, [.. written.Select(f => f.Data)]);
        Assert.Equal([5000u, 99u], written.Select(f => f.OriginalLength));
        Assert.Contains("microseconds", Shell.Run("capinfos", path), StringComparison.Ordinal);
        Assert.Equal(5099ul, rig.Port.GetStatistics().OutputBytes);
    }

    [Fact]
    public void A_port_that_is_started_again_goes_on_in_the_same_file()
    {
        string path = _captures.PathOf("out.pcap");
        using PcapRig rig = new PcapRig($"net_pcap0,tx_pcap={path}").Start();
        rig.Send(new byte[60]);
        rig.Port.Stop();
        rig.Start();
        rig.Send(new byte[61]);
        rig.Port.Stop();

        Assert.Equal([60, 61], CaptureFixture.Read(path).Select(f => f.Data.Length));
    }

    [Fact]
    public void Without_anything_to_send_to_packets_are_dropped_and_count_as_sent()
    {
        using PcapRig rig = new PcapRig($"net_pcap0,rx_pcap={CaptureFixture.Mixed}").Start();

        rig.Forward(88);

        Assert.Equal(88ul, rig.Port.GetStatistics().OutputPackets);
        Assert.Equal(0, rig.Missing);
    }

    [Fact]
    public void Send_takes_fewer_when_the_file_is_slow_and_loses_nothing()
    {
        // A pipe that nobody reads for a while is the slowest disk.
        string pipe = _captures.PathOf("pipe");
        Shell.Run("mkfifo", pipe);
        var read = new MemoryStream();
        using var reader = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite,
            bufferSize: 0);
        using PcapRig rig = new PcapRig($"net_pcap0,tx_pcap={pipe},tx_wait=0").Start();
        uint sent = 0;
        var frame = new byte[1000];
        Packet packet;
        while (true)
        {
            BitConverter.TryWriteBytes(frame, sent);
            packet = rig.MakePacket(frame);
            if (rig.Port.TxQueues[0].Send([packet]) == 0)
                break;
            sent++;
        }

        Assert.True(sent > 4000, $"{sent} packets fit");
        Assert.Equal(1, rig.Missing);
        int expected = 24 + ((int)(sent + 1) * 1016);
        var reading = new Thread(() =>
        {
            var buffer = new byte[65536];
            while (read.Length < expected)
                read.Write(buffer, 0, reader.Read(buffer));
        });
        reading.Start();
        PcapRig.Await(() => rig.Port.TxQueues[0].Send([packet]) == 1, "room");
        rig.Port.Stop();
        reading.Join();

        List<Frame> frames = CaptureFixture.Read(_captures.Write("read", read.ToArray()));
        Assert.Equal(Enumerable.Range(0, (int)sent + 1), frames.Select(f => BitConverter.ToInt32(f.Data)));
        Assert.Equal(sent + 1ul, rig.Port.GetStatistics().OutputPackets);
    }

    [Fact]
    public void Sending_waits_for_a_file_that_makes_progress()
    {
        // Far more than the ring holds, as fast as it goes: every packet is taken.
        string path = _captures.PathOf("out.pcap");
        using PcapRig rig = new PcapRig(
            $"net_pcap0,rx_pcap={CaptureFixture.Mixed},infinite_rx=1,tx_pcap={path},tx_wait=20000").Start();
        var burst = new Packet[32];
        for (int i = 0; i < 2000; i++)
        {
            Assert.Equal(32, rig.Port.RxQueues[0].Receive(burst));
            Assert.Equal(32, rig.Port.TxQueues[0].Send(burst));
        }

        rig.Port.Stop();
        byte[][] expected = [.. CaptureFixture.Read(CaptureFixture.Mixed).Select(f => f.Data)];
        List<Frame> written = CaptureFixture.Read(path);
        Assert.Equal(64_000, written.Count);
        for (int i = 0; i < written.Count; i++)
            Assert.True(written[i].Data.AsSpan().SequenceEqual(expected[i % 88]));
    }

    [Fact]
    public void A_disk_that_fills_up_is_told_and_takes_no_more()
    {
        string disk = _captures.PathOf("disk");
        Directory.CreateDirectory(disk);
        Shell.Run("mount", "-t", "tmpfs", "-o", "size=256k", "none", disk);
        try
        {
            using PcapRig rig = new PcapRig($"net_pcap0,tx_pcap={disk}/out.pcap,tx_wait=0").Start();
            var frame = new byte[1000];
            PcapRig.Await(
                () =>
                {
                    Packet packet = rig.MakePacket(frame);
                    if (rig.Port.TxQueues[0].Send([packet]) == 1)
                        return false;
                    packet.Free();
                    return rig.Logged.Length != 0;
                },
                "full disk");

            Assert.StartsWith($"Cannot write the capture '{disk}/out.pcap': No space left on device", Assert.Single(
                rig.Logged));
            Assert.Equal(0, rig.Missing);
        }
        finally
        {
            Shell.Run("umount", disk);
        }
    }

    private static long Now() => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
}
