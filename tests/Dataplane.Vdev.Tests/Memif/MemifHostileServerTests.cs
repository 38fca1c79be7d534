using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Vdev.Memif;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Peers;

namespace Dataplane.Vdev.Tests.Memif;

/// <summary>Whatever a server does, the client loses its connection with a sentence and tries again.</summary>
public sealed unsafe class MemifHostileServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly PeerListener _listener;

    public MemifHostileServerTests() =>
        _listener = new PeerListener("raw", PeerAddress.File("raw", _folder["memif.sock"]), PeerSocketKind.Messages);

    public void Dispose()
    {
        _listener.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("ack", "sent Ack where Hello comes")]
    [InlineData("version", "speaks versions 1.0 to 1.9 of memif, not 2.0")]
    [InlineData("rings", "allows rings of one descriptor only")]
    [InlineData("connected-early", "sent Connected where Ack comes")]
    public void A_wrong_message_ends_the_connection_with_its_rule(string what, string rule)
    {
        using MemifRig rig = Client();
        using RawMemifPeer server = RawMemifPeer.Accept(_listener);
        var hello = new MemifMessage { Type = what == "ack" ? MemifMessageType.Ack : MemifMessageType.Hello };
        hello.Hello.MinVersion = what == "version" ? (ushort)0x100 : MemifNumbers.Version;
        hello.Hello.MaxVersion = what == "version" ? (ushort)0x109 : MemifNumbers.Version;
        hello.Hello.MaxLog2RingSize = what == "rings" ? (byte)0 : (byte)10;
        server.Send(hello);
        if (what == "connected-early")
        {
            server.Receive(MemifMessageType.Init);
            server.Send(new MemifMessage { Type = MemifMessageType.Connected });
        }

        rig.WaitForLog(rule);
        server.ReceiveEnd();
        using RawMemifPeer next = RawMemifPeer.Accept(_listener);
    }

    [Theory]
    [InlineData("")]
    [InlineData("zero-copy=yes")]
    public void Zero_copy_with_fewer_regions_than_needed_names_the_option(string keys)
    {
        using MemifRig rig = Client(keys);
        using RawMemifPeer server = RawMemifPeer.Accept(_listener);
        var hello = new MemifMessage { Type = MemifMessageType.Hello };
        hello.Hello.MinVersion = MemifNumbers.Version;
        hello.Hello.MaxVersion = MemifNumbers.Version;
        hello.Hello.MaxLog2RingSize = 10;
        server.Send(hello);
        if (keys.Length == 0)
            server.Receive(MemifMessageType.Init);
        else
            rig.WaitForLog("start with --single-file-segments");
    }

    [Theory]
    [InlineData(64, "")]
    [InlineData(128, "")]
    [InlineData(128, "zero-copy=yes")]
    public void The_layout_of_a_server_is_found_out_by_a_second_connection(int lineSize, string keys)
    {
        var layout = new MemifRingLayout(lineSize);
        using MemifRig rig = Client(keys);
        using RawMemifPeer first = RawMemifPeer.Accept(_listener).AcceptAll(layout);
        first.ConfirmConnection();
        if (lineSize == 128)
        {
            rig.WaitForLog("has rings with 128-byte lines, not with 64-byte lines; the next connection will, too");
            using RawMemifPeer second = RawMemifPeer.Accept(_listener).AcceptAll(layout);
            second.ConfirmConnection();
            Check(rig, second);
        }
        else
        {
            Check(rig, first);
        }
    }

    [Fact]
    public void A_server_of_the_other_layout_is_refused_where_the_user_chose_one()
    {
        using MemifRig rig = Client("layout=64");
        using RawMemifPeer server = RawMemifPeer.Accept(_listener).AcceptAll(MemifRingLayout.Lines128);
        server.ConfirmConnection();
        rig.WaitForLog("has rings with 128-byte lines, where layout=64 of net_memif0 wants 64-byte lines: leave that key out");
    }

    [Theory]
    [InlineData("", "s2c-tail", "moved the index of S2C ring 0 by 1025, beyond its 1024 descriptors")]
    [InlineData("", "s2c-region", "named region 1 in a descriptor of S2C ring 0; it has shared 1")]
    [InlineData("", "s2c-length", "put 4294967295 bytes at offset")]
    [InlineData("", "c2s-tail", "moved the index of C2S ring 0 by")]
    [InlineData("zero-copy=yes", "s2c-tail", "moved the tail of S2C ring 0 by 1025; 1024 buffers are posted")]
    [InlineData("zero-copy=yes", "s2c-length", "put 4294967295 bytes into a buffer of 2048 on S2C ring 0")]
    [InlineData("zero-copy=yes", "s2c-chain", "chained 1024 descriptors of S2C ring 0 to one frame")]
    [InlineData("zero-copy=yes,rsize=11", "s2c-chain", "chained 1024 descriptors of S2C ring 0 to one frame")]
    [InlineData("rsize=11", "s2c-chain", "chained 1024 descriptors of S2C ring 0 to one frame")]
    [InlineData("zero-copy=yes", "c2s-tail", "moved the tail of C2S ring 0 by 7; 0 frames are there")]
    public void A_wrong_ring_ends_the_connection_with_its_rule(string keys, string what, string rule)
    {
        using MemifRig rig = Client(keys);
        using RawMemifPeer server = RawMemifPeer.Accept(_listener).AcceptAll(MemifRingLayout.Lines64);
        server.ConfirmConnection();
        rig.WaitForLink(rig[0]);
        var first = (MemifDescriptor*)server.S2c.Descriptors;
        first->Length = what == "s2c-length" ? uint.MaxValue : 64;
        first->Region = what == "s2c-region" ? (ushort)1 : first->Region;
        for (int i = 0; what == "s2c-chain" && i < 1024; i++)
            first[i].Flags = MemifNumbers.Next;
        if (what == "c2s-tail")
            Volatile.Write(ref *server.C2s.Tail, keys.Length == 0 ? (ushort)2000 : (ushort)7);
        else
            Volatile.Write(ref *server.S2c.Tail, what switch { "s2c-tail" => 1025, "s2c-chain" => 1024, _ => 1 });
        Assert.Equal(0, rig[0].RxQueues[0].Receive(new Packet[32]));
        // The index is not read before it must be.
        for (int i = 0; what == "c2s-tail" && i < 1025 && rig.TrySend(rig[0], TestFrame.Create(60)); i++)
        {
        }

        rig.WaitForLog(rule);
        server.ReceiveEnd();
        rig.WaitForLink(rig[0], isUp: false);
        Assert.Equal(0, rig.Pool.Statistics.InUse);
    }

    [Theory]
    [InlineData("")]
    [InlineData("zero-copy=yes")]
    public void A_server_that_fills_the_counter_that_it_is_woken_by_loses_its_connection_and_the_next_one_is_woken(string keys)
    {
        using MemifRig rig = Client(keys);
        using RawMemifPeer server = RawMemifPeer.Accept(_listener).AcceptAll(MemifRingLayout.Lines64);
        server.ConfirmConnection();
        rig.WaitForLink(rig[0]);
        Counter.Fill(server.Kick!);
        rig.WaitForLog("filled the counter of the eventfd that it is woken by");
        server.ReceiveEnd();

        using RawMemifPeer next = RawMemifPeer.Accept(_listener).AcceptAll(MemifRingLayout.Lines64);
        next.ConfirmConnection();
        rig.WaitForLink(rig[0]);
        Counter.Fill(server.Kick!);
        Assert.True(rig.TrySend(rig[0], TestFrame.Create(77)));
        rig.WaitUntil(() => Counter.TryTake(next.Kick!), "the server is not woken");
        Assert.True(rig[0].GetLink().IsUp);
    }

    [Fact]
    public void Parts_that_become_frames_of_their_own_are_chained_no_more()
    {
        using MemifRig rig = Client("zero-copy=yes");
        using RawMemifPeer server = RawMemifPeer.Accept(_listener).AcceptAll(MemifRingLayout.Lines64);
        server.ConfirmConnection();
        rig.WaitForLink(rig[0]);
        var descriptors = (MemifDescriptor*)server.S2c.Descriptors;
        for (int i = 0; i < 3; i++)
        {
            descriptors[i].Length = 64;
            descriptors[i].Flags = MemifNumbers.Next;
        }

        Volatile.Write(ref *server.S2c.Tail, 3);
        var burst = new Packet[32];
        Assert.Equal(0, rig[0].RxQueues[0].Receive(burst));
        for (int i = 0; i < 3; i++)
            descriptors[i].Flags = 0;
        Assert.Equal(3, rig[0].RxQueues[0].Receive(burst));
        Assert.All(burst[..3], packet => Assert.True(packet.SegmentCount == 1 && packet.Mbuf->Next == null));
        Packet.Free(burst.AsSpan(0, 3));
    }

    private static void Check(MemifRig rig, RawMemifPeer server)
    {
        rig.WaitForLink(rig[0]);
        rig.WaitUntil(() => *server.S2c.Head == 1024, "no buffers were posted");
        Assert.True(rig.TrySend(rig[0], TestFrame.Create(77)));
        Assert.Equal(1, *server.C2s.Head);
        Assert.Equal(77u, ((MemifDescriptor*)server.C2s.Descriptors)->Length);
    }

    private MemifRig Client(string keys = "") =>
        new MemifRig(MemifRig.Device(0, "client", _folder["memif.sock"], keys)).Start();
}
