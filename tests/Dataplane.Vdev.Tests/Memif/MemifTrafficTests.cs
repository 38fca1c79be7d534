using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.Memif;

public sealed class MemifTrafficTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Socket => _folder["memif.sock"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("zero-copy=yes")]
    [InlineData("layout=128")]
    [InlineData("zero-copy=yes,layout=128")]
    [InlineData("bsize=100,rsize=8")]
    [InlineData("rsize=4")]
    [InlineData("secret=open sesame")]
    public void Frames_of_every_size_pass_in_both_directions_byte_for_byte(string keys)
    {
        string secret = keys.StartsWith("secret", StringComparison.Ordinal) ? keys : "";
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket, secret), MemifRig.Device(1, "client", Socket, keys)).Connect();
        int[] lengths = [.. Enumerable.Range(14, 300), 511, 512, 1514, 1518, 2047, 2048, 2049, 4096, 4097, 8999, 9018];
        int number = 0;
        foreach (int length in lengths)
        {
            byte[] frame = length < 18 ? new byte[length] : TestFrame.Create(length, number++);
            rig.Exchange(rig[0], rig[1], frame);
            rig.Exchange(rig[1], rig[0], frame);
            rig.Exchange(rig[1], rig[0], frame, perSegment: 1000);
            rig.Exchange(rig[0], rig[1], frame, perSegment: 1000);
        }

        foreach (int port in new[] { 0, 1 })
        {
            PortStatistics statistics = rig[port].GetStatistics();
            ulong count = 2UL * (ulong)lengths.Length, bytes = 2UL * (ulong)lengths.Sum();
            Assert.Equal((count, bytes, count, bytes), (statistics.InputPackets, statistics.InputBytes, statistics.OutputPackets, statistics.OutputBytes));
            Assert.Equal((0UL, 0UL), (statistics.InputErrors, statistics.OutputErrors));
        }
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("", true)]
    [InlineData("zero-copy=yes", false)]
    [InlineData("zero-copy=yes", true)]
    public void Every_queue_has_rings_of_its_own(string keys, bool fromServer)
    {
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket, keys)).Connect(queues: 4);
        (Port from, Port to) = fromServer ? (rig[0], rig[1]) : (rig[1], rig[0]);
        for (int queue = 0; queue < 4; queue++)
            Assert.True(rig.TrySend(from, TestFrame.Create(60 + queue), queue));
        for (int queue = 3; queue >= 0; queue--)
            Assert.Equal(60 + queue, rig.Receive(to, queue).Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("zero-copy=yes")]
    public void Packets_come_in_order_over_many_turns_of_the_ring_and_of_its_indices(string keys)
    {
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket, keys + (keys.Length == 0 ? "rsize=6" : ",rsize=6"))).Connect();
        int[] lengths = [60, 1514, 300, 64, 3000];
        foreach ((Port from, Port to) in new[] { (rig[0], rig[1]), (rig[1], rig[0]) })
        {
            int sent = 0, received = 0;
            var burst = new Packet[7];
            while (received < 100_000)
            {
                while (sent - received < 10 && rig.TrySend(from, TestFrame.Create(lengths[sent % 5], sent)))
                    sent++;
                int count = to.RxQueues[0].Receive(burst);
                foreach (Packet packet in burst.AsSpan(0, count))
                {
                    Assert.Equal(lengths[received % 5], packet.Length);
                    Assert.Equal(received++, TestFrame.NumberOf(packet.Data));
                    packet.Free();
                }
            }

            while (received++ < sent)
                rig.Receive(to);
        }
    }

    [Theory]
    [InlineData("server", "rsize=5")]
    [InlineData("client", "rsize=5")]
    [InlineData("client", "rsize=5,zero-copy=yes")]
    public void A_full_ring_takes_no_more_until_the_other_side_reads(string sender, string keys)
    {
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket, keys)).Connect();
        (Port from, Port to) = sender == "server" ? (rig[0], rig[1]) : (rig[1], rig[0]);
        Packet[] burst = [.. Enumerable.Range(0, 40).Select(i => rig.Make(TestFrame.Create(100, i)))];
        Assert.Equal(32, from.TxQueues[0].Send(burst));
        Assert.Equal(0, from.TxQueues[0].Send(burst.AsSpan(32)));
        Assert.Equal(0, TestFrame.NumberOf(rig.Receive(to)));
        rig.WaitUntil(() => from.TxQueues[0].Send(burst.AsSpan(32, 1)) == 1, "there is no room");
        for (int i = 1; i <= 32; i++)
            Assert.Equal(i, TestFrame.NumberOf(rig.Receive(to)));
        Packet.Free(burst.AsSpan(33));
    }

    [Fact]
    public void A_long_frame_that_finds_no_room_now_is_sent_whole_later()
    {
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket, "rsize=3")).Connect();
        for (int i = 0; i < 5; i++)
            Assert.True(rig.TrySend(rig[0], TestFrame.Create(60, i)));
        byte[] jumbo = TestFrame.Create(9018);
        Assert.False(rig.TrySend(rig[0], jumbo));
        for (int i = 0; i < 5; i++)
            rig.Receive(rig[1]);
        rig.WaitUntil(() => rig.TrySend(rig[0], jumbo), "there is no room");
        Assert.Equal(jumbo, rig.Receive(rig[1]));
        Assert.Equal(0UL, rig[0].GetStatistics().OutputErrors);
    }

    [Fact]
    public void What_can_never_be_sent_is_dropped_and_counts_as_an_error()
    {
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket, "rsize=2")).Connect();
        foreach (Port port in new[] { rig[0], rig[1] })
        {
            Assert.True(rig.TrySend(port, TestFrame.Create(9018)));
            Assert.True(rig.TrySend(port, new byte[13]));
            Assert.Equal((0UL, 2UL), (port.GetStatistics().OutputPackets, port.GetStatistics().OutputErrors));
        }

        Assert.Equal(0, rig.Pool.Statistics.InUse);
    }

    [Theory]
    [InlineData("server")]
    [InlineData("client")]
    public void A_long_frame_stays_where_it_is_until_its_packet_is_freed(string receiver)
    {
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket, "rsize=4")).Connect();
        (Port to, Port from) = receiver == "server" ? (rig[0], rig[1]) : (rig[1], rig[0]);
        for (int i = 0; i < 16; i++)
            Assert.True(rig.TrySend(from, TestFrame.Create(1514, i)));
        Packet[] held = [.. Enumerable.Range(0, 16).Select(_ => rig.ReceiveOne(to))];
        Assert.All(held, packet => Assert.True(IsExternal(packet)));
        Assert.Equal(0, to.RxQueues[0].Receive(new Packet[1]));
        Assert.False(rig.TrySend(from, TestFrame.Create(60)));

        // Out of order: the ring moves up to the first that is still held.
        Packet.Free(held.AsSpan(1, 7));
        Assert.Equal(0, to.RxQueues[0].Receive(new Packet[1]));
        Assert.False(rig.TrySend(from, TestFrame.Create(60)));
        held[0].Free();
        Assert.Equal(0, to.RxQueues[0].Receive(new Packet[1]));
        for (int i = 0; i < 8; i++)
            Assert.True(rig.TrySend(from, TestFrame.Create(60, 100 + i)));
        Assert.False(rig.TrySend(from, TestFrame.Create(60)));
        Assert.Equal(Enumerable.Range(8, 8), held[8..].Select(packet => TestFrame.NumberOf(packet.Data)));
        Packet.Free(held.AsSpan(8));
        for (int i = 0; i < 8; i++)
            Assert.Equal(100 + i, TestFrame.NumberOf(rig.Receive(to)));
    }

    [Fact]
    public unsafe void Forwarding_between_two_servers_copies_only_once()
    {
        string other = _folder["other.sock"];
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket),
            MemifRig.Device(1, "server", other),
            MemifRig.Device(2, "client", Socket),
            MemifRig.Device(3, "client", other)).Connect();
        byte[] frame = TestFrame.Create(1514, 5);
        Assert.True(rig.TrySend(rig[2], frame));
        Packet packet = rig.ReceiveOne(rig[0]);
        Assert.True(IsExternal(packet));
        Assert.Equal(Mbuf.NoIova, packet.Mbuf->BufferIova);
        Assert.Equal(1, rig[1].TxQueues[0].Send([packet]));
        Assert.Equal(frame, rig.Receive(rig[3]));
        Assert.Equal(0, rig[0].RxQueues[0].Receive(new Packet[1]));
        Assert.Equal(0, rig.Pool.Statistics.InUse);
    }

    [Fact]
    public unsafe void A_zero_copy_client_lends_and_posts_its_own_buffers()
    {
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket, "zero-copy=yes")).Connect();
        Packet lent = rig.Make(TestFrame.Create(1514));
        byte* data = lent.DataPointer;
        Assert.Equal(1, rig[1].TxQueues[0].Send([lent]));
        Packet seen = rig.ReceiveOne(rig[0]);
        data[20] = 0xAB;
        Assert.Equal(0xAB, seen.Data[20]);
        seen.Free();

        Assert.True(rig.TrySend(rig[0], TestFrame.Create(1514, 9)));
        Packet received = rig.ReceiveOne(rig[1]);
        Assert.False(IsExternal(received));
        Assert.True(received.Mbuf->Buffer == (byte*)received.Mbuf + Mbuf.HeaderSize);
        received.Free();
    }

    [Fact]
    public void A_zero_copy_client_copies_what_lies_in_the_memory_of_another_peer()
    {
        string other = _folder["other.sock"];
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket),
            MemifRig.Device(1, "client", Socket),
            MemifRig.Device(2, "server", other),
            MemifRig.Device(3, "client", other, "zero-copy=yes")).Connect();
        byte[] frame = TestFrame.Create(1514, 5);
        Assert.True(rig.TrySend(rig[1], frame));
        Packet packet = rig.ReceiveOne(rig[0]);
        Assert.True(IsExternal(packet));
        Assert.Equal(1, rig[3].TxQueues[0].Send([packet]));
        Assert.Equal(frame, rig.Receive(rig[2]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("zero-copy=yes")]
    public void Nothing_is_lost_of_the_pool_when_all_is_over(string keys)
    {
        using var rig = new MemifRig(MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket, keys));
        rig.Connect();
        for (int i = 0; i < 100; i++)
        {
            Assert.True(rig.TrySend(rig[0], TestFrame.Create(1000)));
            Assert.True(rig.TrySend(rig[1], TestFrame.Create(1000)));
        }

        rig[0].Stop();
        rig[1].Stop();
        Assert.Equal(0, rig.Pool.Statistics.InUse);
    }

    [Fact]
    public void An_empty_pool_loses_nothing_but_time()
    {
        using var rig = new MemifRig(
            new MempoolOptions { Count = 64, CacheSize = 0 }, MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket));
        rig.Connect();
        for (int i = 0; i < 60; i++)
            Assert.True(rig.TrySend(rig[1], TestFrame.Create(60, i)));
        var taken = new Packet[62];
        Assert.True(rig.Pool.TryAllocateRaw(taken));
        var burst = new Packet[32];
        Assert.InRange(rig[0].RxQueues[0].Receive(burst), 1, 2);
        Packet.Free(taken);
        Assert.Equal(1UL, rig[0].GetStatistics().RxNoMbuf);
        Assert.Equal(32, rig[0].RxQueues[0].Receive(burst));
    }

    private static unsafe bool IsExternal(Packet packet) => (packet.Mbuf->Flags & MbufFlags.External) != 0;
}
