using System.Runtime.CompilerServices;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Null;

/// <summary>Fills every burst with fresh packets, for as long as the mempool has some.</summary>
internal sealed unsafe class NullRxQueue(RxQueueContext context, int portId, NullOptions options) : RxQueue(context)
{
    private readonly Mempool _pool = context.Pool;
    private readonly ulong _rearm = Mbuf.RearmValue(portId, context.Pool);
    private readonly int _size = options.Size;
    private readonly byte[]? _pattern = options.Copy ? GC.AllocateArray<byte>(options.Size, pinned: true) : null;
    private readonly bool _noRx = options.NoRx;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        if (_noRx)
            return 0;
        if (!_pool.TryAllocateRaw(burst))
        {
            Counters->NoMbuf++;
            return 0;
        }

        ulong rearm = _rearm;
        int size = _size;
        foreach (Packet packet in burst)
            Mbuf.SetReceived(packet.Mbuf, rearm, size);
        if (_pattern is { } pattern)
        {
            foreach (Packet packet in burst)
                pattern.CopyTo(packet.Data);
        }

        Counters->Packets += (uint)burst.Length;
        Counters->Bytes += (uint)burst.Length * (ulong)(uint)size;
        return burst.Length;
    }
}
