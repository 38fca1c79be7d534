using System.Runtime.InteropServices;
using Dataplane.Core.Tests.Memory;
using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Core.Tests.Packets;

public sealed unsafe class ExternalDataTests : IDisposable
{
    private const int Cookies = 100;

    private readonly TestPool _test = new();
    private readonly Owner* _owner = (Owner*)NativeMemory.AllocZeroed((nuint)sizeof(Owner));
    private readonly byte* _data = (byte*)NativeMemory.AllocZeroed(1000);

    public ExternalDataTests() => _owner->Base.Release = &Release;

    public void Dispose()
    {
        NativeMemory.Free(_owner);
        NativeMemory.Free(_data);
        _test.Dispose();
    }

    [Fact]
    public void The_packet_shows_the_data_of_its_owner_and_has_no_room_around_it()
    {
        Packet packet = Attach(cookie: 1, length: 1000);
        _data[999] = 42;

        Assert.Equal((1000, 0, 0), (packet.Length, packet.Headroom, packet.Tailroom));
        Assert.Equal(42, packet.Data[999]);
        Assert.Equal(0xABCDUL, packet.Mbuf->BufferIova);
        Assert.False(packet.TryPrepend(1, out _));
        Assert.False(packet.TryAppend(1, out _));
        Assert.True(packet.TryAdjust(10));
        Assert.Equal(10, packet.Headroom);
        packet.Free();
    }

    [Fact]
    public void Freeing_tells_the_owner_once_and_makes_the_buffer_an_ordinary_one_again()
    {
        Packet packet = Attach(cookie: 7, length: 60);
        packet.Free();
        Assert.Equal(1, Released(7));

        Span<Packet> all = stackalloc Packet[_test.Pool.Capacity];
        Assert.True(_test.Pool.TryAllocateRaw(all));
        foreach (Packet buffer in all)
        {
            Mbuf* mbuf = buffer.Mbuf;
            Assert.Equal((nuint)Mbuf.OwnBuffer(mbuf), (nuint)mbuf->Buffer);
            Assert.Equal(mbuf->OwnIova, mbuf->BufferIova);
            Assert.Equal(_test.Pool.BufferLength, mbuf->BufferLength);
            Assert.Equal(MbufFlags.None, mbuf->Flags & MbufFlags.External);
            Assert.Equal((1, true), (mbuf->SegmentCount, mbuf->Next == null));
        }

        Packet.Free(all);
        Assert.Equal(1, Released(7));
    }

    [Fact]
    public void Every_segment_of_a_chain_is_released_exactly_once()
    {
        Packet chain = Attach(cookie: 0, length: 10);
        Assert.True(chain.TryChain(_test.Allocate([1, 2, 3])));
        Assert.True(chain.TryChain(Attach(cookie: 1, length: 20)));
        Packet tail = _test.Allocate();
        Assert.True(tail.TryChain(Attach(cookie: 2, length: 30)));
        Assert.True(chain.TryChain(tail));
        Assert.Equal((63, 5), (chain.Length, chain.SegmentCount));

        Packet plain = _test.Allocate();
        Packet.Free([plain, chain, Attach(cookie: 3, length: 1)]);

        Assert.Equal([1, 1, 1, 1, 0], Enumerable.Range(0, 5).Select(Released));
        Assert.Equal(0, _test.Pool.Statistics.InUse);
    }

    [Fact]
    public void A_burst_from_several_pools_goes_back_to_each()
    {
        using Mempool other = _test.NewPool(count: 8);
        Assert.True(other.TryAllocate(out Packet foreign));
        Assert.True(other.TryAllocate(out Packet linked));
        Packet chain = _test.Allocate();
        Assert.True(chain.TryChain(linked));

        Packet.Free([_test.Allocate(), foreign, chain]);
        Packet.Free([]);

        Assert.Equal((0, 0), (_test.Pool.Statistics.InUse, other.Statistics.InUse));
    }

    [Fact]
    public void Chains_of_more_segments_than_go_back_at_once_go_back()
    {
        using Mempool other = _test.NewPool(count: 128);
        var burst = new Packet[16];
        for (int i = 0; i < burst.Length; i++)
        {
            Assert.True(other.TryAllocate(out burst[i]));
            for (int segment = 0; segment < i % 8; segment++)
            {
                Assert.True(other.TryAllocate(out Packet next));
                Assert.True(burst[i].TryChain(next));
            }
        }

        Packet.Free(burst);

        Assert.Equal(0, other.Statistics.InUse);
        Packet[] all = new Packet[128];
        Assert.True(other.TryAllocateRaw(all));
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.All(all, packet => Assert.Equal((1, true), (packet.SegmentCount, packet.NextSegment.IsNull)));
        Packet.Free(all);
    }

    [Fact]
    public void Another_thread_may_free_what_a_queue_attached()
    {
        Packet packet = Attach(cookie: 9, length: 60);
        var thread = new Thread(packet.Free);
        thread.Start();
        thread.Join();

        Assert.Equal(1, Released(9));
        Assert.Equal(0, _test.Pool.Statistics.InUse);
    }

    [Fact]
    public void Data_that_no_device_reaches_is_copied_home_and_given_back()
    {
        new Span<byte>(_data, 200).Fill(7);
        Packet packet = Attach(cookie: 4, length: 200, Mbuf.NoIova);
        Assert.True(packet.TryAdjust(50));
        Assert.True(ExternalData.BringHome(packet.Mbuf));
        new Span<byte>(_data, 200).Clear();

        Assert.Equal(1, Released(4));
        Assert.Equal([.. Enumerable.Repeat((byte)7, 150)], packet.Data);
        Assert.Equal((150, Mbuf.DefaultHeadroom, _test.Pool.DataRoom - 150), (packet.Length, packet.Headroom, packet.Tailroom));
        Assert.Equal((packet.Mbuf->OwnIova, MbufFlags.None), (packet.Mbuf->BufferIova, packet.Mbuf->Flags));
        packet.Free();
        Assert.Equal((1, 0), (Released(4), _test.Pool.Statistics.InUse));
    }

    [Fact]
    public void Each_segment_comes_home_but_those_that_a_device_reaches()
    {
        Packet chain = _test.Allocate([1, 2, 3]);
        Assert.True(chain.TryChain(Attach(cookie: 1, length: 20, Mbuf.NoIova)));
        Assert.True(chain.TryChain(Attach(cookie: 2, length: 30)));
        Assert.True(ExternalData.BringHome(chain.Mbuf));
        Assert.Equal((1, 0), (Released(1), Released(2)));
        Assert.Equal(53, chain.Length);
        chain.Free();
    }

    [Fact]
    public void What_is_longer_than_the_data_room_stays_where_it_is()
    {
        Packet full = Attach(cookie: 1, length: (ushort)_test.Pool.DataRoom, Mbuf.NoIova);
        Packet packet = Attach(cookie: 2, length: (ushort)(_test.Pool.DataRoom + 1), Mbuf.NoIova);
        Assert.True(ExternalData.BringHome(full.Mbuf));
        Assert.False(ExternalData.BringHome(packet.Mbuf));
        Assert.Equal((1, 0), (Released(1), Released(2)));
        Packet.Free([full, packet]);
        Assert.Equal((1, 1), (Released(1), Released(2)));
    }

    private Packet Attach(ulong cookie, ushort length, ulong iova = 0xABCD)
    {
        Packet packet = _test.Allocate();
        packet.AttachExternal(_data, length, iova, &_owner->Base, cookie);
        return packet;
    }

    private int Released(int cookie) => _owner->Counts[cookie];

    private static void Release(ExternalOwner* owner, ulong cookie) => ((Owner*)owner)->Counts[cookie]++;

    private struct Owner
    {
        public ExternalOwner Base;
        public fixed int Counts[Cookies];
    }
}
