using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Vdev.Memif;
using Dataplane.Vdev.Tests.Peers;

namespace Dataplane.Vdev.Tests.Memif;

/// <summary>Whatever a client does, its connection ends with a sentence, nothing of it stays, and the next one is served.</summary>
public sealed unsafe class MemifHostileClientTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MemifRig _server;

    public MemifHostileClientTests() => _server = new MemifRig(MemifRig.Device(0, "server", Socket)).Start();

    private string Socket => _folder["memif.sock"];

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_client_that_keeps_the_rules_is_served_by_its_own_layout()
    {
        foreach (MemifRingLayout layout in new[] { MemifRingLayout.Lines64, MemifRingLayout.Lines128 })
        {
            using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect(layout);
            PutFrame(client, 0, 64);
            *client.C2s.Head = 1;
            Assert.Equal(64, _server.Receive(_server[0]).Length);
            Assert.Equal(1, *client.C2s.Tail);
        }
    }

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    public void Where_rings_lie_apart_the_layout_is_found_by_their_descriptors(int lineSize)
    {
        var layout = new MemifRingLayout(lineSize);
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket);
        client.MakeRegion(layout, gap: 4096);
        ((MemifDescriptor*)client.C2s.Descriptors)->Length = 2048;
        client.Receive(MemifMessageType.Hello);
        client.Send(RawMemifPeer.Init());
        client.Send(RawMemifPeer.AddRegion(0, client.Length), client.File!.Handle);
        client.Send(RawMemifPeer.AddRing(isC2s: true, 0), client.Event.Handle);
        client.Send(RawMemifPeer.AddRing(isC2s: false, client.Buffers / 2), client.Event.Handle);
        client.Send(new MemifMessage { Type = MemifMessageType.Connect });
        _server.WaitForLog($"with {layout}");
    }

    public static TheoryData<string, string> WrongMessages => new()
    {
        { "short", "sent a message of 7 bytes; all have 128" },
        { "long", "sent a message of more than 128 bytes" },
        { "two-files", "sent more than 1 file descriptors with a message" },
        { "unknown", "sent 77 when it must not" },
        { "hello", "sent Hello when it must not" },
        { "no-init", "sent AddRegion when it must not" },
        { "version", "speaks version 3.0 of memif, not 2.0" },
        { "id", "asked for id 5, which no started port" },
        { "mode", "asked for another mode than Ethernet" },
        { "init-twice", "sent Init when it must not" },
        { "region-index", "added region 1 where the next is 0 of 256" },
        { "region-without-file", "sent 0 file descriptors where there must be 1 or more" },
        { "region-too-long", "bytes at offset 0, but its file has" },
        { "region-no-file", "sent for region 0 a descriptor of something else than memory" },
        { "ring-index", "added C2S ring 1, but net_memif0 has 1 queues" },
        { "ring-twice", "added C2S ring 0 twice" },
        { "ring-size", "added C2S ring 0 of 2^15 descriptors" },
        { "ring-empty", "added C2S ring 0 of 2^0 descriptors" },
        { "ring-region", "added C2S ring 0 at offset 0 of region 1" },
        { "ring-offset", "added C2S ring 0 at offset 8 of region 0: rings start at multiples of 16" },
        { "ring-private", "added C2S ring 0 with private headers" },
        { "ring-without-file", "sent 0 file descriptors where there must be 1 or more" },
        { "ring-no-eventfd", "added C2S ring 0 with a descriptor that is no eventfd" },
        { "ring-outside", "put a ring of 2^4 descriptors with 64-byte lines at offset" },
        { "no-cookie", "has no cookie at the start of the ring at offset 0 of region 0" },
        { "connect-twice", "sent Connect when it must not" },
    };

    [Theory]
    [MemberData(nameof(WrongMessages))]
    public void A_wrong_message_ends_the_connection_with_its_rule(string what, string rule)
    {
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket);
        client.MakeRegion(MemifRingLayout.Lines64);
        client.Receive(MemifMessageType.Hello);
        SendWrong(client, what);
        string told = client.ReceiveEnd();
        Assert.StartsWith(told, rule.Length > told.Length ? rule : told, StringComparison.Ordinal);
        _server.WaitForLog(rule);
        AssertNothingStaysAndTheNextIsServed(client);
    }

    public static TheoryData<string, string> WrongRings => new()
    {
        { "head", "moved the index of C2S ring 0 by 17, beyond its 16 descriptors" },
        { "head-back", "moved the index of C2S ring 0 by 65535, beyond its 16 descriptors" },
        { "region", "named region 1 in a descriptor of C2S ring 0; it has shared 1" },
        { "offset", "at offset 4294967295 of region 0 into C2S ring 0; the region has" },
        { "length", "put 4294967295 bytes at offset" },
        { "chain", "chained 16 descriptors of C2S ring 0 to one frame" },
        { "chain-end", "named region 9 in a descriptor of C2S ring 0" },
    };

    [Theory]
    [MemberData(nameof(WrongRings))]
    public void A_wrong_ring_to_receive_from_ends_the_connection_with_its_rule(string what, string rule)
    {
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect();
        PutFrame(client, 0, 64);
        var first = (MemifDescriptor*)client.C2s.Descriptors;
        ushort head = 1;
        switch (what)
        {
            case "head":
                head = 17;
                break;
            case "head-back":
                head = ushort.MaxValue;
                break;
            case "region":
                first->Region = 1;
                break;
            case "offset":
                first->Offset = uint.MaxValue;
                break;
            case "length":
                first->Length = uint.MaxValue;
                break;
            case "chain":
                for (int i = 0; i < 16; i++)
                    PutFrame(client, i, 64, MemifNumbers.Next);
                head = 16;
                break;
            case "chain-end":
                first->Flags = MemifNumbers.Next;
                PutFrame(client, 1, 64);
                first[1].Region = 9;
                head = 2;
                break;
            default:
                throw new ArgumentException(what);
        }

        Volatile.Write(ref *client.C2s.Head, head);
        var burst = new Packet[32];
        int received = _server[0].RxQueues[0].Receive(burst);
        Packet.Free(burst.AsSpan(0, received));
        _server.WaitForLog(rule);
        Assert.Equal(0, _server[0].RxQueues[0].Receive(burst));
        client.ReceiveEnd();
        Assert.Contains(new Dataplane.Ports.ExtendedStatistic("peer_violations", 1), _server[0].GetExtendedStatistics());
        AssertNothingStaysAndTheNextIsServed(client);
    }

    [Theory]
    [InlineData("head", "moved the index of S2C ring 0 by 17, beyond its 16 descriptors")]
    [InlineData("region", "put a buffer into S2C ring 0 that is outside of the regions it has shared")]
    [InlineData("offset", "put a buffer into S2C ring 0 that is outside of the regions it has shared")]
    public void A_wrong_ring_to_send_to_ends_the_connection_with_its_rule(string what, string rule)
    {
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect();
        var first = (MemifDescriptor*)client.S2c.Descriptors;
        *first = new MemifDescriptor { Length = 2048, Offset = client.Buffers };
        if (what == "region")
            first->Region = 1;
        else if (what == "offset")
            first->Offset = uint.MaxValue - 100;
        Volatile.Write(ref *client.S2c.Head, what == "head" ? (ushort)17 : (ushort)1);
        Assert.False(_server.TrySend(_server[0], TestFrame.Create(60)));
        _server.WaitForLog(rule);
        client.ReceiveEnd();
        AssertNothingStaysAndTheNextIsServed(client);
    }

    [Fact]
    public void A_client_that_fills_the_counter_that_it_is_woken_by_loses_its_connection()
    {
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect();
        Counter.Fill(client.Event.Handle);
        _server.WaitForLog("filled the counter of the eventfd that it is woken by");
        client.ReceiveEnd();
        AssertNothingStaysAndTheNextIsServed(client);
    }

    [Fact]
    public void Buffers_without_room_are_used_up_and_nothing_is_written()
    {
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect();
        var first = (MemifDescriptor*)client.S2c.Descriptors;
        for (int i = 0; i < 16; i++)
            first[i] = new MemifDescriptor { Length = i == 15 ? 60u : 0, Offset = client.Buffers };
        Volatile.Write(ref *client.S2c.Head, 16);
        Assert.True(_server.TrySend(_server[0], TestFrame.Create(60)));
        Assert.Equal(16, *client.S2c.Tail);
        Assert.Equal(60u, first[15].Length);
    }

    [Fact]
    public void Frames_that_are_none_are_dropped_and_count_as_errors()
    {
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect();
        PutFrame(client, 0, 0);
        PutFrame(client, 1, 13);
        for (int i = 2; i < 12; i++)
            PutFrame(client, i, 30_000, i == 11 ? (ushort)0 : MemifNumbers.Next);
        PutFrame(client, 12, 64);
        Volatile.Write(ref *client.C2s.Head, 13);
        Assert.Equal(64, _server.Receive(_server[0]).Length);
        Assert.Equal(3UL, _server[0].GetStatistics().InputErrors);
        Assert.Equal(13, *client.C2s.Tail);
    }

    [Fact]
    public void A_client_that_cuts_its_memory_short_loses_its_connection_and_nobody_dies()
    {
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect(isSealed: false);
        PutFrame(client, 0, 1514);
        Volatile.Write(ref *client.C2s.Head, 1);
        Packet held = _server.ReceiveOne(_server[0]);
        client.File!.Resize(0);
        Assert.Equal(0, held.Data[100]);
        _server[0].RxQueues[0].Receive(new Packet[1]);
        _server.WaitForLog("cut short the memory that it shares");
        Assert.Equal(0, held.Data[1000]);
        held.Free();
        client.ReceiveEnd();
        AssertNothingStaysAndTheNextIsServed(client);
    }

    [Fact]
    public void Whoever_says_nothing_does_not_keep_others_out()
    {
        var idle = new List<RawMemifPeer>();
        for (int i = 0; i < 20; i++)
            idle.Add(RawMemifPeer.ConnectTo(Socket));
        using (RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect())
        {
            PutFrame(client, 0, 64);
            Volatile.Write(ref *client.C2s.Head, 1);
            Assert.Equal(64, _server.Receive(_server[0]).Length);
        }

        idle.ForEach(peer => peer.Dispose());
    }

    private static void SendWrong(RawMemifPeer client, string what)
    {
        ulong size = client.Length;
        MemifMessage init = RawMemifPeer.Init(what == "id" ? 5u : 0);
        if (what == "version")
            init.Init.Version = 0x300;
        if (what == "mode")
            init.Init.Mode = 1;
        switch (what)
        {
            case "short":
                client.SendBytes(new byte[7]);
                return;
            case "long":
                client.SendBytes(new byte[129]);
                return;
            case "two-files":
                client.SendTwoFiles();
                return;
            case "unknown":
                client.Send(new MemifMessage { Type = (MemifMessageType)77 });
                return;
            case "hello":
                client.Send(new MemifMessage { Type = MemifMessageType.Hello });
                return;
            case "no-init":
                client.Send(RawMemifPeer.AddRegion(0, size), client.File!.Handle);
                return;
        }

        client.Send(init);
        if (what is "version" or "id" or "mode")
            return;
        client.Receive(MemifMessageType.Ack);
        switch (what)
        {
            case "init-twice":
                client.Send(init);
                return;
            case "region-index":
                client.Send(RawMemifPeer.AddRegion(1, size), client.File!.Handle);
                return;
            case "region-without-file":
                client.Send(RawMemifPeer.AddRegion(0, size));
                return;
            case "region-too-long":
                client.Send(RawMemifPeer.AddRegion(0, size + 1), client.File!.Handle);
                return;
            case "region-no-file":
                client.Send(RawMemifPeer.AddRegion(0, size), client.Event.Handle);
                return;
        }

        client.Send(RawMemifPeer.AddRegion(0, size), client.File!.Handle);
        client.Receive(MemifMessageType.Ack);
        MemifMessage ring = what switch
        {
            "ring-index" => RawMemifPeer.AddRing(isC2s: true, 0, index: 1),
            "ring-size" => RawMemifPeer.AddRing(isC2s: true, 0, log2RingSize: 15),
            "ring-empty" => RawMemifPeer.AddRing(isC2s: true, 0, log2RingSize: 0),
            "ring-region" => RawMemifPeer.AddRing(isC2s: true, 0, region: 1),
            "ring-offset" => RawMemifPeer.AddRing(isC2s: true, 8),
            "ring-outside" => RawMemifPeer.AddRing(isC2s: true, (uint)(size & ~15UL) - 16),
            _ => RawMemifPeer.AddRing(isC2s: true, 0),
        };
        if (what == "ring-private")
            ring.AddRing.PrivateHeaderSize = 8;
        client.Send(ring, what switch
        {
            "ring-without-file" => null,
            "ring-no-eventfd" => client.File!.Handle,
            _ => client.Event.Handle,
        });
        if (what == "ring-twice")
            client.Send(ring, client.Event.Handle);
        if (what == "no-cookie")
            *client.C2s.Cookie = 0;
        if (what is "ring-outside" or "no-cookie" or "connect-twice")
            client.Send(new MemifMessage { Type = MemifMessageType.Connect });
        if (what == "connect-twice")
            client.Send(new MemifMessage { Type = MemifMessageType.Connect });
    }

    /// <summary>A frame in the C2S ring, in the buffer of its descriptor.</summary>
    private static void PutFrame(RawMemifPeer client, int slot, uint length, ushort flags = 0)
    {
        uint offset = client.Buffers + ((uint)slot * 2048);
        ((MemifDescriptor*)client.C2s.Descriptors)[slot] = new MemifDescriptor { Flags = flags, Length = length, Offset = offset };
    }

    private void AssertNothingStaysAndTheNextIsServed(RawMemifPeer client)
    {
        SharedFile file = client.File!;
        // The test's own descriptor and mapping.
        _server.WaitUntil(() => file.OpenCount == 1 && file.MappingCount == 1, "the client's memory is still here");
        using var next = new MemifRig(MemifRig.Device(0, "client", Socket));
        next.Connect();
        next.Exchange(next[0], _server[0], TestFrame.Create(1514));
        Assert.Equal(0, _server.Pool.Statistics.InUse);
    }
}
