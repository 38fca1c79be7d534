using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Ports;

/// <summary>
/// A receive queue of a port. One lcore polls a queue; different queues are independent. It is made by
/// <see cref="Port.Configure"/> and gone with the next configuration or when the port is closed.
/// </summary>
public abstract unsafe class RxQueue
{
    // A lcore may hold nothing but its queue: the counters must not be finalized with a port that nobody holds.
    private readonly AlignedMemory _countersMemory;

    /// <summary>Made by its port, which owns the counters.</summary>
    protected RxQueue(RxQueueContext context)
    {
        Index = context.Index;
        Counters = context.Counters;
        _countersMemory = context.CountersMemory;
    }

    /// <summary>Number of the queue within its port.</summary>
    public int Index { get; }

    /// <summary>What the queue has counted; written by the polling lcore only.</summary>
    protected internal QueueCounters* Counters { get; }

    /// <summary>
    /// Takes the packets that have arrived, without waiting. The caller owns them.
    /// Only while the port is started, and only on the lcore of this queue.
    /// </summary>
    /// <param name="burst">Where the handles go; 32 at a time is usual.</param>
    /// <returns>How many there are: a prefix of <paramref name="burst"/>.</returns>
    public abstract int Receive(Span<Packet> burst);

    /// <summary>
    /// What the device signals when packets arrive while the interrupt is armed; null unless the port was configured with
    /// <see cref="PortConfiguration.RxInterrupts"/>. The port owns it. <see cref="RxWaiter"/> is the way to use it.
    /// </summary>
    internal virtual EventFd? Interrupt => null;

    /// <summary>
    /// What becomes readable when packets arrive: the <see cref="Interrupt"/>, or a socket that tells by itself and has
    /// nothing to drain; -1 if there is neither.
    /// </summary>
    internal virtual int InterruptDescriptor => (int)(Interrupt?.Handle.DangerousGetHandle() ?? -1);

    /// <summary>Lets the device interrupt at the next packet. Only on the lcore of this queue.</summary>
    /// <returns>False if packets are there already: poll again instead of sleeping.</returns>
    internal virtual bool TryArmInterrupt() => false;

    /// <summary>Lets the device be silent again. Only on the lcore of this queue.</summary>
    internal virtual void DisarmInterrupt()
    {
    }
}
