using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;
using Dataplane.Virtio;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>A receive queue of a virtio-user port. While there is no back end, nothing arrives.</summary>
internal sealed class VirtioUserRxQueue : RxQueue, IVirtioUserRing, IDisposable
{
    private readonly RxQueueContext _context;
    private readonly VirtioUserRingMemory _memory;
    private readonly int _portId;
    private readonly QueueGate _gate = new();
    private VirtioRxQueue? _queue;

    /// <param name="context">Of the port.</param>
    /// <param name="portId">Of the port.</param>
    /// <param name="memory">Of the ring; owned by the queue.</param>
    public VirtioUserRxQueue(RxQueueContext context, int portId, VirtioUserRingMemory memory)
        : base(context)
    {
        _context = context;
        _portId = portId;
        _memory = memory;
        Interrupt = context.Interrupts ? new EventFd(isShared: true) : null;
    }

    public uint RingIndex => 2 * (uint)Index;

    public EventFd Kick => _memory.Kick;

    public EventFd? Call => Interrupt;

    public bool IsMade => _queue is not null;

    public int Size => _memory.Size;

    public VirtqueueAddresses Addresses => _queue!.Addresses;

    public bool IsBroken => _queue is { Violations: not 0 };

    internal override EventFd? Interrupt { get; }

    public void Make(VirtioFeatures features)
    {
        VirtqueueOptions options = _memory.OptionsFor(features);
        _queue = VirtioQueues.CreateRx(_context, _portId, options, new KickNotifier(Kick), Interrupt);
        _queue.TryStart();
    }

    public void Open()
    {
        _gate.Open();
        Kick.Signal();

        // A lcore that sleeps has armed nothing here.
        Interrupt?.Signal();
    }

    public void Close()
    {
        if (_gate.IsOpen)
            _gate.Close();
    }

    public void End()
    {
        Close();
        _queue?.Dispose();
        _queue = null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        if (!_gate.TryEnter())
            return 0;
        int received = _queue!.Receive(burst);
        _gate.Leave();
        return received;
    }

    internal override bool TryArmInterrupt()
    {
        if (!_gate.TryEnter())
            return true;
        bool isArmed = _queue!.TryArmInterrupt();
        _gate.Leave();
        return isArmed;
    }

    internal override void DisarmInterrupt()
    {
        if (!_gate.TryEnter())
            return;
        _queue!.DisarmInterrupt();
        _gate.Leave();
    }

    public void Dispose()
    {
        _memory.Dispose();
        Interrupt?.Dispose();
    }
}
