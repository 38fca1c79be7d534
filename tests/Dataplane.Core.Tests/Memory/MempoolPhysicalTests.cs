using Dataplane.Memory;
using Dataplane.Packets;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Memory;

/// <summary>Pools for devices that are given physical addresses: no buffer may run over the end of a page.</summary>
[Collection(HugepageCollection.Name)]
public sealed unsafe class MempoolPhysicalTests
{
    [Theory]
    [InlineData(1, 2048)]
    [InlineData(3000, 2048)]
    [InlineData(100, 65407)]
    public void A_device_reaches_every_byte_of_a_buffer_behind_the_first(int count, int dataRoom)
    {
        using var test = new TestPool(
            count, dataRoom: dataRoom, memory: new MemoryOptions { InMemory = true, IovaMode = IovaMode.Pa });
        var all = new Packet[count];
        Assert.True(test.Pool.TryAllocateRaw(all));

        Assert.Equal(count, all.Distinct().Count());
        foreach (Packet packet in all)
        {
            Mbuf* mbuf = packet.Mbuf;
            byte* last = mbuf->Buffer + mbuf->BufferLength - 1;
            Assert.True(last < test.Pool.Zone.Address + test.Pool.Zone.Length);
            Assert.Equal(test.Memory.IovaOf(mbuf->Buffer), mbuf->BufferIova);
            Assert.Equal(mbuf->BufferIova + mbuf->BufferLength - 1, test.Memory.IovaOf(last));
        }

        Packet.Free(all);
    }

    [Fact]
    public void Buffers_in_pages_of_any_size_cross_no_end_and_fit_into_the_zone() =>
        Prop.ForAll<(ushort Counts, ushort Rooms), byte, ushort>((sizes, pages, start) =>
        {
            int count = 1 + (sizes.Counts % 3000);
            nuint pageSize = new nuint[] { 4 << 10, 64 << 10, 2 << 20 }[pages % 3];
            var options = new MempoolOptions { Count = count, DataRoom = sizes.Rooms % 65408 };
            var layout = new MempoolLayout(options, lcoreCount: 2, IovaMode.Pa);
            if (!layout.FitsPagesOf(pageSize))
            {
                Assert.True(layout.ElementStride > pageSize);
                return;
            }

            nuint address = ((nuint)1 << 32) + ((nuint)start * 128), cursor = layout.ElementsOffset;
            for (int i = 0; i < count; i++, cursor += layout.ElementStride)
            {
                cursor = layout.SkipPageEnd(cursor, address, pageSize);
                Assert.Equal((address + cursor) / pageSize, (address + cursor + layout.ElementStride - 1) / pageSize);
            }

            Assert.InRange(layout.LengthFor(pageSize), cursor, cursor + layout.ElementStride + pageSize);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Virtual_addresses_need_no_gaps()
    {
        var layout = new MempoolLayout(new MempoolOptions { Count = 10 }, lcoreCount: 1, IovaMode.Va);

        Assert.True(layout.FitsPagesOf(64));
        Assert.Equal(layout.ElementsOffset + (10 * layout.ElementStride), layout.LengthFor(4096));
        Assert.Equal(4000u, layout.SkipPageEnd(4000, zoneAddress: 0, pageSize: 4096));
    }
}
