using Dataplane.Packets;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Tests.Peers;

public sealed unsafe class ExternalReturnsTests : IDisposable
{
    private readonly SoftwareRuntime _runtime = new();
    private readonly ExternalReturns _returns = new(32);
    private readonly byte[] _data = GC.AllocateArray<byte>(64, pinned: true);

    [Fact]
    public void Buffers_go_back_in_order_however_packets_are_freed()
    {
        Packet[] packets = [.. Enumerable.Range(0, 4).Select(_ => Attach())];
        Assert.Equal((4, 0), (_returns.Outstanding, _returns.Sweep()));
        packets[1].Free();
        Assert.Equal(0, _returns.Sweep());
        packets[0].Free();
        Assert.Equal(2, _returns.Sweep());
        packets[3].Free();
        Assert.Equal((0, 2, false), (_returns.Sweep(), _returns.Outstanding, _returns.IsIdle));
        packets[2].Free();
        Assert.True(_returns.IsIdle);
        Assert.Equal((2, 0), (_returns.Sweep(), _returns.Outstanding));
    }

    [Fact]
    public void What_was_copied_at_once_waits_for_its_turn()
    {
        Packet first = Attach();
        _returns.MarkReturned(_returns.Take());
        Assert.Equal(0, _returns.Sweep());
        first.Free();
        Assert.Equal(2, _returns.Sweep());
    }

    [Fact]
    public void There_is_an_end_of_slots_and_they_are_used_again_for_ever()
    {
        var held = new Queue<Packet>();
        var random = new Random(1);
        int given = 0, taken = 0;
        for (int i = 0; i < 10_000; i++)
        {
            while (!_returns.IsFull && random.Next(8) != 0)
            {
                held.Enqueue(Attach());
                taken++;
            }

            while (held.Count != 0 && random.Next(8) != 0)
                held.Dequeue().Free();
            given += _returns.Sweep();
            Assert.Equal((taken - given, held.Count), (_returns.Outstanding, _returns.Outstanding));
        }

        Packet.Free(held.ToArray());
        Assert.Equal(taken, given + _returns.Sweep());
        Assert.Equal(0, _runtime.InUse);
    }

    [Fact]
    public void Another_lcore_may_free_while_the_queue_sweeps()
    {
        const int Count = 20_000;
        using var wire = new System.Collections.Concurrent.BlockingCollection<Packet>(16);
        var other = new Thread(() =>
        {
            foreach (Packet packet in wire.GetConsumingEnumerable())
                packet.Free();
        });
        other.Start();
        int given = 0;
        for (int i = 0; i < Count; i++)
        {
            while (_returns.IsFull)
                given += _returns.Sweep();
            wire.Add(Attach());
        }

        wire.CompleteAdding();
        other.Join();
        Assert.Equal(Count, given + _returns.Sweep());
    }

    [Fact]
    public void A_packet_that_comes_home_gives_its_buffer_back()
    {
        _data[0] = 5;
        Packet packet = Attach();
        Assert.True(ExternalData.BringHome(packet.Mbuf));
        Assert.Equal((1, 5), (_returns.Sweep(), packet.Data[0]));
        packet.Free();
    }

    public void Dispose()
    {
        Assert.True(_returns.IsIdle);
        _returns.Dispose();
        _runtime.Dispose();
    }

    private Packet Attach()
    {
        Assert.True(_runtime.Pool.TryAllocate(out Packet packet));
        fixed (byte* data = _data)
            packet.AttachExternal(data, 64, Mbuf.NoIova, _returns.Owner, _returns.Take());
        return packet;
    }
}
