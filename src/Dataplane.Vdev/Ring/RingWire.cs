using Dataplane.Packets;

namespace Dataplane.Vdev.Ring;

/// <summary>
/// One direction between ports: a ring per queue. It lives for as long as one of its ports does; what is on it then
/// goes back to the mempools.
/// </summary>
internal sealed class RingWire<TRing>(Func<int, TRing> create)
    where TRing : struct, IPacketRing
{
    /// <summary>Packets that a ring holds; net_ring's of DPDK.</summary>
    public const int Capacity = 1024;

    private readonly TRing[] _rings = [.. Enumerable.Range(0, RingDriver.MaxQueues).Select(_ => create(Capacity))];
    private int _users;

    public TRing this[int queue] => _rings[queue];

    public RingWire<TRing> Attach()
    {
        _users++;
        return this;
    }

    public void Detach()
    {
        if (--_users != 0)
            return;
        Span<Packet> burst = stackalloc Packet[32];
        foreach (TRing ring in _rings)
        {
            for (int n; (n = ring.Dequeue(burst)) != 0;)
                Packet.Free(burst[..n]);
            ring.Dispose();
        }
    }
}
