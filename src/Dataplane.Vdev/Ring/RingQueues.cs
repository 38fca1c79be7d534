using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Ring;

/// <summary>
/// Takes from a ring. It reads the packets' headers and writes nothing into them, as DPDK's does: lines that stay clean
/// need not be written back, which is an eighth of the rate of a loop that is larger than the first-level cache.
/// </summary>
internal sealed unsafe class RingRxQueue<TRing>(RxQueueContext context, TRing ring) : RxQueue(context)
    where TRing : struct, IPacketRing
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        int received = ring.Dequeue(burst);
        if (received == 0)
            return 0;
        Counters->Packets += (uint)received;
        Counters->Bytes += PacketBurst.TotalLength(burst[..received]);
        return received;
    }
}

/// <summary>Puts into a ring; a full ring takes fewer.</summary>
internal sealed unsafe class RingTxQueue<TRing>(TxQueueContext context, TRing ring) : TxQueue(context)
    where TRing : struct, IPacketRing
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        // Counted before: once in the ring, a packet is the receiver's, who may have freed it already.
        ulong bytes = PacketBurst.TotalLength(burst);
        int sent = ring.Enqueue(burst);
        if (sent != burst.Length)
            bytes -= PacketBurst.TotalLength(burst[sent..]);
        Counters->Packets += (uint)sent;
        Counters->Bytes += bytes;
        return sent;
    }
}
