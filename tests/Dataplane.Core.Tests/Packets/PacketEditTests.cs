using Dataplane.Core.Tests.Memory;
using Dataplane.Packets;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Packets;

/// <summary>Random edits of a packet, compared with lists of bytes that are edited likewise.</summary>
public sealed class PacketEditTests
{
    private const int DataRoom = 256;

    public enum Edit
    {
        Prepend,
        Append,
        Adjust,
        Trim,
        Chain,
        CopyToTooSmall,
    }

    [Fact]
    public void Any_edits_do_what_they_do_to_a_list_of_bytes() =>
        Prop.ForAll<(Edit Edit, ushort Size, byte Fill)[]>(steps =>
        {
            using var test = new TestPool(dataRoom: DataRoom);
            var model = new Model();
            Packet packet = test.Allocate();
            foreach ((Edit edit, ushort size, byte fill) in steps)
            {
                // Mostly sizes that may fit; sometimes negative ones and ones far beyond.
                int length = size % 7 == 0 ? (short)size : size % 180;
                Apply(test, packet, model, edit, length, fill);
                Compare(model, packet);
            }

            packet.Free();
            Assert.Equal(0, test.Pool.Statistics.InUse);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_chain_has_at_most_65535_segments()
    {
        using var test = new TestPool();
        Packet packet = test.Allocate([1]), tail = test.Allocate([2]);
        SetSegmentCount(packet, ushort.MaxValue);

        Assert.False(packet.TryChain(tail));
        Assert.Equal((1, 1), (packet.Length, tail.Length));
        SetSegmentCount(packet, 1);
        Packet.Free([packet, tail]);
    }

    private static unsafe void SetSegmentCount(Packet packet, ushort count) => packet.Mbuf->SegmentCount = count;

    private static void Apply(TestPool test, Packet packet, Model model, Edit edit, int length, byte fill)
    {
        List<byte> first = model.Segments[0], last = model.Segments[^1];
        switch (edit)
        {
            case Edit.Prepend:
                bool prepended = packet.TryPrepend(length, out Span<byte> front);
                Assert.Equal(length >= 0 && length <= model.Headroom, prepended);
                Assert.Equal(prepended ? length : 0, front.Length);
                front.Fill(fill);
                first.InsertRange(0, Enumerable.Repeat(fill, front.Length));
                model.Headroom -= front.Length;
                break;
            case Edit.Append:
                bool appended = packet.TryAppend(length, out Span<byte> back);
                Assert.Equal(length >= 0 && length <= model.Tailroom, appended);
                Assert.Equal(appended ? length : 0, back.Length);
                back.Fill(fill);
                last.AddRange(Enumerable.Repeat(fill, back.Length));
                model.Tailroom -= back.Length;
                break;
            case Edit.Adjust:
                bool adjusted = packet.TryAdjust(length);
                Assert.Equal(length >= 0 && length <= first.Count, adjusted);
                first.RemoveRange(0, adjusted ? length : 0);
                model.Headroom += adjusted ? length : 0;
                break;
            case Edit.Trim:
                bool trimmed = packet.TryTrim(length);
                Assert.Equal(length >= 0 && length <= last.Count, trimmed);
                last.RemoveRange(last.Count - (trimmed ? length : 0), trimmed ? length : 0);
                model.Tailroom += trimmed ? length : 0;
                break;
            case Edit.Chain when model.Segments.Count < 20:
                byte[] data = [.. Enumerable.Repeat(fill, Math.Abs(length) % DataRoom)];
                Assert.True(packet.TryChain(test.Allocate(data)));
                model.Segments.Add([.. data]);
                model.Tailroom = DataRoom - data.Length;
                break;
            case Edit.CopyToTooSmall when packet.Length > 0:
                Assert.Equal(0, packet.CopyTo(new byte[packet.Length - 1]));
                break;
        }
    }

    private static void Compare(Model model, Packet packet)
    {
        byte[] all = [.. model.Segments.SelectMany(segment => segment)];
        Assert.Equal(all.Length, packet.Length);
        Assert.Equal(model.Segments.Count, packet.SegmentCount);
        // The headroom of a packet is the one of its first segment; a single segment has one list for both ends.
        Assert.Equal(model.Headroom, packet.Headroom);
        Assert.Equal(model.Tailroom, packet.Tailroom);
        Packet segment = packet;
        foreach (List<byte> expected in model.Segments)
        {
            Assert.Equal(expected, segment.Data.ToArray());
            segment = segment.NextSegment;
        }

        Assert.True(segment.IsNull);
        byte[] copy = new byte[all.Length + 3];
        Assert.Equal(all.Length, packet.CopyTo(copy));
        Assert.Equal(all, copy[..all.Length]);
    }

    private sealed class Model
    {
        public List<List<byte>> Segments { get; } = [[]];

        public int Headroom { get; set; } = Mbuf.DefaultHeadroom;

        public int Tailroom { get; set; } = DataRoom;
    }
}
