using System.Collections.Concurrent;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;

namespace L2Fwd.Tests;

/// <summary>Makes ports that receive what a test gives them and interrupt when it does; what is sent is freed and counted.</summary>
internal sealed class WakingDriver : IVdevDriver
{
    public string Name => "net_waking";

    public IReadOnlyList<DevargKey> Keys => [];

    public Port Create(PortContext context, Devargs arguments) => new WakingPort(context);
}

internal sealed class WakingPort(PortContext context)
    : Port(context, new PortCapabilities { HasRxInterrupts = true }, MacAddress.CreateRandom())
{
    public WakingRxQueue Rx => (WakingRxQueue)RxQueues[0];

    public CountingTxQueue Tx => (CountingTxQueue)TxQueues[0];

    protected override RxQueue CreateRxQueue(RxQueueContext context) => new WakingRxQueue(context);

    protected override TxQueue CreateTxQueue(TxQueueContext context) => new CountingTxQueue(context);
}

internal sealed class WakingRxQueue(RxQueueContext context) : RxQueue(context), IDisposable
{
    private readonly ConcurrentQueue<Packet> _packets = new();
    private readonly EventFd? _interrupt = context.Interrupts ? new EventFd() : null;
    private int _polls;

    /// <summary>How often a lcore asked for packets.</summary>
    public int Polls => Volatile.Read(ref _polls);

    /// <summary>Whether the lcore has asked to be woken.</summary>
    public bool IsArmed { get; private set; }

    internal override EventFd? Interrupt => _interrupt;

    public void Arrive(Packet packet)
    {
        _packets.Enqueue(packet);
        _interrupt?.Signal();
    }

    public override int Receive(Span<Packet> burst)
    {
        Interlocked.Increment(ref _polls);
        int count = 0;
        while (count < burst.Length && _packets.TryDequeue(out Packet packet))
            burst[count++] = packet;
        return count;
    }

    public void Dispose()
    {
        while (_packets.TryDequeue(out Packet packet))
            packet.Free();
        _interrupt?.Dispose();
    }

    internal override bool TryArmInterrupt()
    {
        IsArmed = _packets.IsEmpty;
        return IsArmed;
    }

    internal override void DisarmInterrupt() => IsArmed = false;
}

internal sealed class CountingTxQueue(TxQueueContext context) : TxQueue(context)
{
    private int _sent;

    public int Sent => Volatile.Read(ref _sent);

    public override int Send(ReadOnlySpan<Packet> burst)
    {
        Packet.Free(burst);
        Interlocked.Add(ref _sent, burst.Length);
        return burst.Length;
    }
}
