using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Ring;

/// <summary>Takes from a ring.</summary>
internal sealed unsafe class RingRxQueue<TRing>(RxQueueContext context, int portId, TRing ring) : RxQueue(context)
    where TRing : struct, IPacketRing
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        int received = ring.Dequeue(burst);
        if (received == 0)
            return 0;
        ulong bytes = 0;
        ushort port = (ushort)portId; // a local: the compiler must take it that the stores below change the field
        foreach (Packet packet in burst[..received])
        {
            packet.Mbuf->Port = port;
            bytes += packet.Mbuf->PacketLength;
        }

        Counters->Packets += (uint)received;
        Counters->Bytes += bytes;
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
