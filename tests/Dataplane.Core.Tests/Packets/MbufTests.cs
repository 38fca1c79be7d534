using Dataplane.Core.Tests.Memory;
using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Core.Tests.Packets;

public sealed unsafe class MbufTests
{
    [Fact]
    public void The_header_is_two_lines_and_what_receiving_touches_is_in_the_first()
    {
        var mbuf = default(Mbuf);
        byte* start = (byte*)&mbuf;

        Assert.Equal(128, sizeof(Mbuf));
        Assert.Equal(
            [0, 8, 16, 18, 20, 22, 24, 28, 30, 32, 40, 48, 56],
            new[]
            {
                (byte*)&mbuf.Buffer - start, (byte*)&mbuf.BufferIova - start, (byte*)&mbuf.DataOffset - start,
                (byte*)&mbuf.Port - start, (byte*)&mbuf.SegmentCount - start, (byte*)&mbuf.BufferLength - start,
                (byte*)&mbuf.PacketLength - start, (byte*)&mbuf.DataLength - start, (byte*)&mbuf.VlanTci - start,
                (byte*)&mbuf.Flags - start, (byte*)&mbuf.RssHash - start, (byte*)&mbuf.Next - start, (byte*)&mbuf.Pool - start,
            });
        Assert.Equal(
            [64, 72, 80, 88, 96, 120],
            new[]
            {
                (byte*)&mbuf.ExternalOwner - start, (byte*)&mbuf.ExternalCookie - start, (byte*)&mbuf.OwnIova - start,
                (byte*)&mbuf.Timestamp - start, mbuf.UserData - start, (byte*)&mbuf.State - start,
            });
        Assert.Equal((nuint)start + Mbuf.HeaderSize, (nuint)Mbuf.OwnBuffer(&mbuf));
    }

    [Theory]
    [InlineData(0, 64)]
    [InlineData(3, 0)]
    [InlineData(65535, 65535)]
    public void Three_stores_set_up_a_received_packet(int port, int length)
    {
        using var test = new TestPool(dataRoom: 65407);
        Packet packet = test.Allocate();
        Mbuf* mbuf = packet.Mbuf;
        byte* buffer = mbuf->Buffer;
        mbuf->Flags = MbufFlags.RxVlanStripped;
        mbuf->VlanTci = 99;
        mbuf->DataOffset = 1;
        mbuf->SegmentCount = 7;

        Mbuf.SetReceived(mbuf, Mbuf.RearmValue(port, test.Pool), length);

        Assert.Equal((port, length, 1, 128), (packet.Port, packet.Length, packet.SegmentCount, packet.Headroom));
        Assert.Equal((length, 0, MbufFlags.None), (mbuf->DataLength, mbuf->VlanTci, mbuf->Flags));
        Assert.Equal((nuint)buffer, (nuint)mbuf->Buffer);
        Assert.Equal(test.Pool.BufferLength, mbuf->BufferLength);
        packet.Free();
    }

    [Fact]
    public void A_fresh_packet_is_empty_behind_the_default_headroom()
    {
        using var test = new TestPool(dataRoom: 256);
        Packet packet = test.Allocate();

        Assert.False(packet.IsNull);
        Assert.True(default(Packet).IsNull);
        Assert.Equal((0, 1, 128, 256), (packet.Length, packet.SegmentCount, packet.Headroom, packet.Tailroom));
        Assert.True(packet.Data.IsEmpty);
        Assert.True(packet.NextSegment.IsNull);
        Assert.Equal(ushort.MaxValue, packet.Port);
        packet.Free();
    }
}
