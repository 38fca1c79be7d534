using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Vhost;

/// <summary>
/// A receive queue of a vhost port: one transmit ring of the guest, or several in turn where the guest has more of them
/// than the port has queues, so that none is left alone.
/// </summary>
internal sealed class VhostRxQueue : RxQueue, IDisposable
{
    private VhostReceiver[] _receivers = [];
    private int _turn;

    /// <param name="context">Of the port.</param>
    public VhostRxQueue(RxQueueContext context)
        : base(context)
    {
        Context = context;
        Interrupt = context.Interrupts ? new EventFd() : null;
    }

    /// <summary>Closed while there is nothing to receive from.</summary>
    public QueueGate Gate { get; } = new();

    public RxQueueContext Context { get; }

    /// <summary>What the session signals when the guest kicks.</summary>
    internal override EventFd? Interrupt { get; }

    /// <summary>What the queue receives from. By the control thread.</summary>
    public void Set(VhostReceiver[] receivers)
    {
        if (receivers.AsSpan().SequenceEqual(_receivers))
            return;
        Gate.Close();
        _receivers = receivers;
        if (receivers.Length == 0)
            return;
        Gate.Open();

        // A lcore that sleeps has armed nothing here.
        Interrupt?.Signal();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override unsafe int Receive(Span<Packet> burst)
    {
        if (!Gate.TryEnter())
            return 0;
        VhostReceiver[] receivers = _receivers;
        int received = receivers[0].Receive(burst, Counters);
        if (receivers.Length != 1)
            received += ReceiveFurther(receivers, burst[received..]);
        Gate.Leave();
        return received;
    }

    internal override bool TryArmInterrupt()
    {
        if (!Gate.TryEnter())
            return true;
        bool isArmed = true;
        foreach (VhostReceiver receiver in _receivers)
            isArmed &= receiver.TryArm();
        Gate.Leave();
        return isArmed;
    }

    internal override void DisarmInterrupt()
    {
        if (!Gate.TryEnter())
            return;
        foreach (VhostReceiver receiver in _receivers)
            receiver.Disarm();
        Gate.Leave();
    }

    public void Dispose() => Interrupt?.Dispose();

    private unsafe int ReceiveFurther(VhostReceiver[] receivers, Span<Packet> burst)
    {
        // The first ring is always asked; the others share what room it leaves, another one first each time.
        int received = 0;
        int others = receivers.Length - 1;
        _turn = (_turn + 1) % others;
        for (int i = 0; i < others && received < burst.Length; i++)
            received += receivers[1 + ((_turn + i) % others)].Receive(burst[received..], Counters);
        return received;
    }
}
