using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;
using Dataplane.Virtio;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>A transmit queue of a virtio-user port. While there is no back end, packets are dropped.</summary>
internal sealed class VirtioUserTxQueue(TxQueueContext context, VirtioUserRingMemory memory)
    : TxQueue(context), IVirtioUserRing, IDisposable
{
    private readonly TxQueueContext _context = context;
    private readonly QueueGate _gate = new();
    private VirtioTxQueue? _queue;

    public uint RingIndex => (2 * (uint)Index) + 1;

    public EventFd Kick => memory.Kick;

    public EventFd? Call => null;

    public bool IsMade => _queue is not null;

    public int Size => memory.Size;

    public VirtqueueAddresses Addresses => _queue!.Addresses;

    public bool IsBroken => _queue is { Violations: not 0 };

    public void Make(VirtioFeatures features)
    {
        VirtqueueOptions options = memory.OptionsFor(features);
        _queue = VirtioQueues.CreateTx(_context, options, new KickNotifier(Kick));
        _queue.Start();
    }

    public void Open()
    {
        _gate.Open();
        Kick.Signal();
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

    /// <summary>Gives back what the back end has sent. No lcore sends any more.</summary>
    /// <returns>How many packets the back end still has.</returns>
    public int Clean() => _queue?.Clean() ?? 0;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override unsafe int Send(ReadOnlySpan<Packet> burst)
    {
        if (!_gate.TryEnter())
        {
            Packet.Free(burst);
            Counters->Errors += (uint)burst.Length;
            return burst.Length;
        }

        int sent = _queue!.Send(burst);
        _gate.Leave();
        return sent;
    }

    public void Dispose() => memory.Dispose();
}
