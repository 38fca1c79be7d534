using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Null;

/// <summary>Takes every packet and gives it straight back to its mempool.</summary>
internal sealed unsafe class NullTxQueue(TxQueueContext context, NullOptions options) : TxQueue(context)
{
    // One buffer that everything is copied over: what a device would read is read, and nothing grows.
    private readonly byte[]? _sink = options.Copy ? new byte[ushort.MaxValue] : null;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        if (_sink is { } sink)
        {
            foreach (Packet packet in burst)
                packet.Data.CopyTo(sink);
        }

        Counters->Packets += (uint)burst.Length;
        Counters->Bytes += PacketBurst.TotalLength(burst);
        Packet.Free(burst);
        return burst.Length;
    }
}
