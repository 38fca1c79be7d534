using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Ring;

/// <summary>A port of <see cref="RingDriver"/>: the ends of two wires, which may be the same one.</summary>
internal sealed class RingPort<TRing> : Port
    where TRing : struct, IPacketRing
{
    private readonly RingPreload _preload;
    private RingWire<TRing> _outbound;
    private Mempool? _pool;

    public RingPort(PortContext context, string? node, RingPreload preload, RingWire<TRing> inbound, RingWire<TRing> outbound)
        : base(
            context,
            new PortCapabilities { MaxRxQueues = RingDriver.MaxQueues, MaxTxQueues = RingDriver.MaxQueues },
            MacAddress.CreateRandom())
    {
        Node = node;
        _preload = preload;
        Inbound = inbound.Attach();
        _outbound = outbound.Attach();
    }

    /// <summary>The name under which others share the rings; null for none.</summary>
    public string? Node { get; }

    public RingWire<TRing> Inbound { get; }

    public bool IsLoop => ReferenceEquals(Inbound, _outbound);

    /// <summary>Turns a loop into one end of a cable; only before it is configured.</summary>
    public void ConnectTo(RingWire<TRing> outbound)
    {
        _outbound.Detach();
        _outbound = outbound.Attach();
    }

    protected override void OnConfigure(PortConfiguration configuration) => _pool = configuration.Pool;

    protected override RxQueue CreateRxQueue(RxQueueContext context) => new RingRxQueue<TRing>(context, Inbound[context.Index]);

    protected override TxQueue CreateTxQueue(TxQueueContext context) => new RingTxQueue<TRing>(context, _outbound[context.Index]);

    protected override void OnStart()
    {
        foreach (RxQueue queue in RxQueues)
        {
            // What a port held when it was stopped is still there when it starts again.
            TRing ring = Inbound[queue.Index];
            while (ring.Count < _preload.Count)
                Preload(ring);
        }
    }

    protected override void OnClose()
    {
        Inbound.Detach();
        _outbound.Detach();
    }

    private unsafe void Preload(TRing ring)
    {
        if (!_pool!.TryAllocate(out Packet packet))
            throw new DataplaneException($"The mempool {_pool.Name} has too few packets to preload {_preload.Count} into {Name}");
        if (!packet.TryAppend(_preload.Size, out Span<byte> frame))
        {
            packet.Free();
            throw new DataplaneException($"A packet of size={_preload.Size} does not fit into a buffer of {_pool.Name}, which holds {_pool.DataRoom} bytes");
        }

        frame.Clear();
        packet.Mbuf->Port = (ushort)Id;
        ring.Enqueue(new ReadOnlySpan<Packet>(in packet));
    }
}
