using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Vhost;

/// <summary>A transmit queue of a vhost port: a receive ring of the guest. While there is none, packets are dropped.</summary>
internal sealed class VhostTxQueue(TxQueueContext context) : TxQueue(context)
{
    private VhostSender? _sender;

    /// <summary>Closed while there is nothing to send to.</summary>
    public QueueGate Gate { get; } = new();

    /// <summary>What the queue sends to; null for nothing. By the control thread.</summary>
    public void Set(VhostSender? sender)
    {
        if (sender == _sender)
            return;
        Gate.Close();
        _sender = sender;
        if (sender is not null)
            Gate.Open();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override unsafe int Send(ReadOnlySpan<Packet> burst)
    {
        if (!Gate.TryEnter())
        {
            Packet.Free(burst);
            Counters->Errors += (uint)burst.Length;
            return burst.Length;
        }

        int sent = _sender!.Send(burst, Counters);
        Gate.Leave();
        return sent;
    }
}
