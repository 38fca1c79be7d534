using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Vhost;

/// <summary>Where the rings of a session go: the queues of a port.</summary>
internal interface IVhostQueues
{
    /// <summary>What a ring is received with; null if no queue of the port receives from it, or the port is stopped.</summary>
    VhostReceiverOptions? ReceiverOf(VhostRing ring);

    /// <summary>Of the port.</summary>
    ushort Mtu { get; }

    /// <summary>Whether a queue of the port sends to a ring.</summary>
    bool HasSenderOf(VhostRing ring);

    /// <summary>Lets the queues use exactly those rings of a session that run, whatever they used before.</summary>
    void Connect(IReadOnlyList<VhostRing> rings);
}

/// <summary>
/// A connection to a front end: answers its messages and lets its rings run. On the loop's thread only. A message that
/// breaks a rule throws; whoever handles the connection ends it then.
/// </summary>
internal sealed class VhostSession : IDisposable
{
    /// <summary>How long packets may be away from a ring that the front end stops, before it gets the buffers back all the same.</summary>
    private const int LongestFlush = 50;

    private readonly PeerLoop _loop;
    private readonly VhostUserChannel _channel;
    private readonly IVhostQueues _queues;
    private readonly EventFd _trouble;
    private readonly VhostMemory _memory = new();
    private readonly VhostRing[] _rings;
    private VhostInflight? _inflight;
    private VirtioFeatures _features;
    private VhostUserProtocolFeatures _protocolFeatures;
    private ulong _status;

    /// <param name="loop">Where it runs.</param>
    /// <param name="socket">The connection; owned by this object.</param>
    /// <param name="pairs">Pairs of rings that the front end may use.</param>
    /// <param name="queues">Where rings go.</param>
    /// <param name="trouble">Signalled by a lcore whose ring broke a rule.</param>
    public VhostSession(PeerLoop loop, PeerSocket socket, int pairs, IVhostQueues queues, EventFd trouble)
    {
        _loop = loop;
        _channel = new VhostUserChannel(socket);
        _queues = queues;
        _trouble = trouble;
        _rings = [.. Enumerable.Range(0, 2 * pairs).Select(index => new VhostRing(index))];
    }

    public PeerSocket Socket => _channel.Socket;

    /// <summary>What was negotiated.</summary>
    public VirtioFeatures Features => _features;

    /// <summary>Whether the front end has enabled a ring.</summary>
    public bool IsUp => Array.Exists(_rings, ring => ring.IsRunning);

    /// <summary>Handles what has arrived; of many messages the first, and the others when it is called again.</summary>
    /// <returns>False if the front end has closed the connection.</returns>
    /// <exception cref="PeerViolationException">It broke a rule.</exception>
    public bool TryServe()
    {
        for (int i = 0; i < PeerSocket.MostPerTurn; i++)
        {
            VhostUserArrival arrival = _channel.TryReceive();
            if (arrival != VhostUserArrival.Message)
                return arrival == VhostUserArrival.Nothing;
            if (!TryHandle(_channel.Header))
                return false;
        }

        return true;
    }

    /// <summary>Looks what lcores have found wrong.</summary>
    /// <exception cref="PeerViolationException">The front end broke a rule.</exception>
    public void Check()
    {
        if (_memory.IsLost || _inflight is { IsLost: true })
            throw new PeerViolationException("cut the file of its memory short while it was in use");
        foreach (VhostRing ring in _rings)
        {
            if (ring.Violation != RingViolation.None)
                throw new PeerViolationException($"{ring.Violation.Describe()}, in ring {ring.Index}");
            // One file may be both, and whoever looks first finds it full.
            if (ring.Call is { IsAbused: true } || ring.Kick is { IsAbused: true })
                throw new PeerViolationException($"filled the counter of the eventfd that ring {ring.Index} is to call it by");
        }
    }

    /// <summary>Lets all rings run that can, as the queues of the port now are.</summary>
    /// <exception cref="PeerViolationException">One of them is none.</exception>
    public void Run()
    {
        foreach (VhostRing ring in _rings)
        {
            if (ring.IsRunning)
                continue;
            VhostReceiverOptions? receiver = ring.IsReceive ? null : _queues.ReceiverOf(ring);
            if (ring.IsReceive ? _queues.HasSenderOf(ring) : receiver is not null)
                ring.Run(_memory, _features, _trouble, receiver, _inflight);
            if (ring.IsRunning && ring.Kick is { } kick && receiver?.Interrupt is { } interrupt)
                _loop.Watch(kick.Handle, () => Pass(kick, interrupt));
        }

        _queues.Connect(_rings);
    }

    /// <summary>Ends all rings; they can run again from where they stand.</summary>
    public void End() => End(_rings, LongestFlush);

    /// <summary>Ends the session and leaves the guest's rings as they are. What packets refer to stays until the last one is back.</summary>
    public void Dispose()
    {
        End(_rings, patience: -1);
        foreach (VhostRing ring in _rings)
            ring.Dispose();
        _memory.Dispose();
        _inflight?.Dispose();
        _channel.Dispose();
    }

    private bool TryHandle(VhostUserHeader header)
    {
        bool? answered = Handle(header);
        if (answered is not null)
            return answered.Value;
        return Acknowledge(0);
    }

    /// <summary>Says how it went, if that was asked for.</summary>
    /// <param name="result">Zero: well.</param>
    private bool Acknowledge(ulong result)
    {
        bool isAsked = (_channel.Header.Flags & VhostUserHeader.NeedReply) != 0 && Has(VhostUserProtocolFeatures.ReplyAck);
        return !isAsked || Answer(result);
    }

    /// <summary>Does what a message says.</summary>
    /// <returns>Whether it was answered; null if it has no answer of its own.</returns>
    private bool? Handle(VhostUserHeader header)
    {
        switch (header.Request)
        {
            case VhostUserRequest.GetFeatures:
                return Answer((ulong)VhostFeatures.Device);
            case VhostUserRequest.SetFeatures:
                SetFeatures((VirtioFeatures)_channel.Read<ulong>());
                return null;
            case VhostUserRequest.GetProtocolFeatures:
                return Answer((ulong)VhostFeatures.Protocol);
            case VhostUserRequest.SetProtocolFeatures:
                SetProtocolFeatures((VhostUserProtocolFeatures)_channel.Read<ulong>());
                return null;
            case VhostUserRequest.GetQueueNum:
                return Answer((ulong)_rings.Length / 2);
            case VhostUserRequest.SetOwner:
            case VhostUserRequest.NetSetMtu:
                return null;
            case VhostUserRequest.ResetOwner:
                Change(() => Array.ForEach(_rings, ring => ring.SetStopped()));
                return null;
            case VhostUserRequest.GetStatus:
                return Answer(_status);
            case VhostUserRequest.SetStatus:
                _status = _channel.Read<ulong>();
                return null;
            case VhostUserRequest.GetMaxMemSlots:
                return Answer((ulong)VhostMemory.MaxRegions);
            case VhostUserRequest.SetMemTable:
                SetMemory();
                return null;
            case VhostUserRequest.AddMemReg:
                VhostUserMemoryRegion added = _channel.Read<VhostUserSingleMemoryRegion>().Region;
                Change(() => _memory.Add(added, _channel.Descriptors.Take(0)));
                return null;
            case VhostUserRequest.RemMemReg:
                VhostUserMemoryRegion removed = _channel.Read<VhostUserSingleMemoryRegion>().Region;
                Change(() => _memory.Remove(removed));
                return null;
            case VhostUserRequest.GetConfig:
                return SendConfiguration();
            case VhostUserRequest.SetConfig:
                // All of it is read-only to drivers (section 5.1.4).
                _ = _channel.Read<VhostUserConfig>();
                return Acknowledge(1);
            case VhostUserRequest.GetInflightFd:
                return MakeInflight();
            case VhostUserRequest.SetInflightFd:
                var inflight = VhostInflight.Open(ReadInflight(), _rings.Length, _channel.Descriptors.Take(0));
                Change(() => Replace(inflight));
                return null;
            default:
                return HandleRing(header.Request);
        }
    }

    private bool? HandleRing(VhostUserRequest request)
    {
        switch (request)
        {
            case VhostUserRequest.SetVringNum:
                ChangeRing((ring, number) => ring.SetSize(number));
                return null;
            case VhostUserRequest.SetVringBase:
                ChangeRing((ring, number) => ring.SetPosition(number));
                return null;
            case VhostUserRequest.SetVringEnable:
                ChangeRing((ring, number) => ring.IsEnabled = number != 0);
                return null;
            case VhostUserRequest.SetVringAddr:
                VhostUserVringAddress addresses = _channel.Read<VhostUserVringAddress>();
                Change(RingOf(addresses.Index), ring => ring.SetAddresses(addresses));
                return null;
            case VhostUserRequest.GetVringBase:
                return StopRing(_channel.Read<VhostUserVringState>().Index);
            case VhostUserRequest.SetVringKick:
                (VhostRing kicked, EventFd? kick) = ReadFile();
                Change(kicked, ring => ring.SetKick(kick));
                return null;
            case VhostUserRequest.SetVringCall:
                // A guest masks interrupts by it, while frames pass: the ring goes on.
                (VhostRing called, EventFd? call) = ReadFile();
                _queues.Connect([.. _rings.Where(ring => ring != called)]);
                called.SetCall(call);
                _queues.Connect(_rings);
                return null;
            case VhostUserRequest.SetVringErr:
                _ = RingOf(_channel.Read<ulong>() & VhostUserVringFile.IndexMask);
                return null;
            default:
                throw new PeerViolationException($"sent the request {request}, which was not offered");
        }
    }

    private void SetFeatures(VirtioFeatures features)
    {
        if ((features & ~VhostFeatures.Device) != 0)
            throw new PeerViolationException($"chose the features {features & ~VhostFeatures.Device}, which were not offered");
        Change(() =>
        {
            _features = features;

            // Without protocol features there is no message to enable a ring.
            if ((features & VirtioFeatures.UserProtocolFeatures) == 0)
                Array.ForEach(_rings, ring => ring.IsEnabled = true);
        });
    }

    private void SetProtocolFeatures(VhostUserProtocolFeatures features)
    {
        if ((features & ~VhostFeatures.Protocol) != 0)
            throw new PeerViolationException($"chose the protocol features {features & ~VhostFeatures.Protocol}, which were not offered");
        _protocolFeatures = features;
    }

    private void SetMemory()
    {
        var memory = _channel.Read<VhostUserMemory>(VhostUserMemory.HeaderLength);
        if (memory.RegionCount > VhostUserMemory.MaxRegions)
            throw new PeerViolationException($"sent {memory.RegionCount} regions of memory with a message that has room for {VhostUserMemory.MaxRegions}");
        _ = _channel.Read<VhostUserMemory>(VhostUserMemory.HeaderLength + ((int)memory.RegionCount * VhostUserMemoryRegion.Length));
        Change(() => _memory.Replace(memory, _channel.Descriptors));
    }

    /// <summary>A part of what virtio 1.2 has in section 5.1.4; what lies behind the fields of this device reads as zeros.</summary>
    private bool SendConfiguration()
    {
        VhostUserConfig wanted = _channel.Read<VhostUserConfig>();
        if (wanted.PartLength > VhostUserConfig.MaxPart || wanted.Offset > VhostUserConfig.MaxPart - wanted.PartLength)
            return _channel.TrySend(VhostUserRequest.GetConfig, VhostUserHeader.Reply, []);
        Span<byte> configuration = stackalloc byte[VhostUserConfig.MaxPart];
        configuration.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(configuration[VirtioNetConfig.Status..], VirtioNetConfig.LinkUp);
        BinaryPrimitives.WriteUInt16LittleEndian(configuration[VirtioNetConfig.MaxVirtqueuePairs..], (ushort)(_rings.Length / 2));
        BinaryPrimitives.WriteUInt16LittleEndian(configuration[VirtioNetConfig.Mtu..], _queues.Mtu);
        Span<byte> answer = stackalloc byte[VhostUserConfig.Length + (int)wanted.PartLength];
        MemoryMarshal.Write(answer, wanted);
        configuration.Slice((int)wanted.Offset, (int)wanted.PartLength).CopyTo(answer[VhostUserConfig.Length..]);
        return _channel.TrySend(VhostUserRequest.GetConfig, VhostUserHeader.Reply, answer);
    }

    private VhostUserInflight ReadInflight() => _channel.Read<VhostUserInflight>(VhostUserInflight.LeastLength);

    private bool MakeInflight()
    {
        VhostUserInflight message = ReadInflight();
        var inflight = VhostInflight.Create(ref message, _rings.Length, out SafeFileHandle file);
        using (file)
        {
            Change(() => Replace(inflight));
            return _channel.TrySend(VhostUserRequest.GetInflightFd, VhostUserHeader.Reply, message, file);
        }
    }

    private void Replace(VhostInflight inflight)
    {
        _inflight?.Dispose();
        _inflight = inflight;
    }

    private bool StopRing(uint index)
    {
        VhostRing ring = RingOf(index);
        End([ring], LongestFlush);
        ring.SetStopped();
        return Answer(new VhostUserVringState { Index = index, Number = ring.Position });
    }

    private void ChangeRing(Action<VhostRing, uint> change)
    {
        VhostUserVringState state = _channel.Read<VhostUserVringState>();
        Change(RingOf(state.Index), ring => change(ring, state.Number));
    }

    /// <summary>A message with a ring's eventfd, or none.</summary>
    private (VhostRing Ring, EventFd? File) ReadFile()
    {
        ulong value = _channel.Read<ulong>();
        VhostRing ring = RingOf(value & VhostUserVringFile.IndexMask);
        EventFd? file = null;
        if ((value & VhostUserVringFile.NoFile) == 0)
        {
            SafeFileHandle handle = _channel.Descriptors.Take(0);
            file = EventFd.TryWrap(handle);
            if (file is null)
            {
                handle.Dispose();
                throw new PeerViolationException($"sent a descriptor for ring {ring.Index} that is no eventfd");
            }
        }

        return (ring, file);
    }

    /// <summary>Changes what a ring is made of, and lets it run again.</summary>
    private void Change(VhostRing ring, Action<VhostRing> change)
    {
        End([ring], LongestFlush);
        change(ring);
        Run();
    }

    /// <summary>Changes what all rings are made of, and lets them run again.</summary>
    private void Change(Action change)
    {
        End(_rings, LongestFlush);
        change();
        Run();
    }

    /// <summary>Ends rings. Other rings go on, and so do lcores, which free the packets that are waited for.</summary>
    /// <param name="rings">Which.</param>
    /// <param name="patience">Milliseconds to wait for packets; negative if the guest's rings are not to be touched.</param>
    private void End(IReadOnlyList<VhostRing> rings, int patience)
    {
        VhostRing[] running = [.. rings.Where(ring => ring.IsRunning)];
        if (running.Length == 0)
            return;
        _queues.Connect([.. _rings.Except(running)]);
        if (patience >= 0)
            Flush([.. running.Select(ring => ring.Receiver).OfType<VhostReceiver>()], patience);
        foreach (VhostRing ring in running)
        {
            if (ring.Kick is { } kick)
                _loop.Unwatch(kick.Handle);
            ring.End(_loop, _memory.Hold());
        }
    }

    private static void Flush(VhostReceiver[] receivers, int patience)
    {
        long end = Environment.TickCount64 + patience;
        Array.ForEach(receivers, receiver => receiver.Flush());
        while (Array.Exists(receivers, receiver => !receiver.IsIdle) && Environment.TickCount64 < end)
        {
            Thread.Sleep(1);
            Array.ForEach(receivers, receiver => receiver.Flush());
        }

        Array.ForEach(receivers, receiver => receiver.FlushAll());
    }

    /// <summary>Wakes the lcore that sleeps until the guest kicks.</summary>
    private static void Pass(EventFd kick, EventFd interrupt)
    {
        if (kick.TryDrain())
            interrupt.Signal();
    }

    private VhostRing RingOf(ulong index) => index < (ulong)_rings.Length
        ? _rings[index]
        : throw new PeerViolationException($"named ring {index}, where there are {_rings.Length}");

    private bool Has(VhostUserProtocolFeatures feature) => (_protocolFeatures & feature) != 0;

    private bool Answer<T>(T payload)
        where T : unmanaged => _channel.TrySend(_channel.Header.Request, VhostUserHeader.Reply, payload);
}
