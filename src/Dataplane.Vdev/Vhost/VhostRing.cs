using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Vhost;

/// <summary>What a front end has said of one ring, and the ring itself while it runs. By the control thread.</summary>
/// <param name="index">Number of the ring: 2 i is the guest's receive ring of pair i, 2 i + 1 its transmit ring.</param>
internal sealed class VhostRing(int index) : IDisposable
{
    private VhostUserVringAddress? _addresses;
    private AlignedMemory? _pieces;
    private uint _position;
    private int _size;

    public int Index => index;

    /// <summary>Whether the guest receives by it.</summary>
    public bool IsReceive => index % 2 == 0;

    /// <summary>Number of its pair.</summary>
    public int Pair => index / 2;

    /// <summary>Whether the front end lets us work.</summary>
    public bool IsEnabled { get; set; }

    /// <summary>Whether the front end has started it, by its kick file, and not stopped it since.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>What the guest kicks; null if it is to be polled.</summary>
    public EventFd? Kick { get; private set; }

    /// <summary>What notifies the guest; null if it polls.</summary>
    public EventFd? Call { get; private set; }

    /// <summary>The ring while it runs, if the guest sends by it.</summary>
    public VhostReceiver? Receiver { get; private set; }

    /// <summary>The ring while it runs, if the guest receives by it.</summary>
    public VhostSender? Sender { get; private set; }

    public bool IsRunning => Receiver is not null || Sender is not null;

    /// <summary>What the guest did wrong in it.</summary>
    public RingViolation Violation => Receiver?.Violation ?? Sender?.Violation ?? RingViolation.None;

    /// <summary>Where it stands, for <see cref="VhostUserRequest.GetVringBase"/>. Not while it runs.</summary>
    public uint Position => _position;

    /// <exception cref="PeerViolationException">No ring has that size.</exception>
    public void SetSize(uint size)
    {
        if (size is 0 or > VirtqueueLayout.MaxSize)
            throw new PeerViolationException($"gave ring {index} a size of {size}, where it can be 1 to {VirtqueueLayout.MaxSize}");
        _size = (int)size;
    }

    public void SetPosition(uint position) => _position = position;

    public void SetAddresses(VhostUserVringAddress addresses) => _addresses = addresses;

    /// <summary>Starts it, as the front end sees it.</summary>
    public void SetKick(EventFd? kick)
    {
        Kick?.Dispose();
        Kick = kick;
        IsStarted = true;
    }

    /// <summary>Changes what notifies the guest. While it runs it is in no queue meanwhile.</summary>
    public void SetCall(EventFd? call)
    {
        Receiver?.Call = call;
        Sender?.Call = call;
        Call?.Dispose();
        Call = call;

        // What was used meanwhile may have been said by the old file, which the guest does not look at any more.
        if (IsRunning)
            call?.Signal();
    }

    /// <summary>Ends it, as the front end sees it.</summary>
    public void SetStopped()
    {
        IsStarted = false;
        Kick?.Dispose();
        Kick = null;
    }

    /// <summary>Lets it run if all is known that it takes.</summary>
    /// <param name="memory">The guest's.</param>
    /// <param name="features">What was negotiated.</param>
    /// <param name="trouble">Signalled when the guest breaks a rule.</param>
    /// <param name="receiver">Of the queue that receives from it; null for a ring that the guest receives by.</param>
    /// <param name="inflight">Where is written down what is kept; null if nowhere.</param>
    /// <exception cref="PeerViolationException">It is not in the guest's memory, or not of a size that it can have.</exception>
    public void Run(VhostMemory memory, VirtioFeatures features, EventFd trouble, VhostReceiverOptions? receiver, VhostInflight? inflight)
    {
        if (!IsStarted || !IsEnabled || _size == 0 || _addresses is not { } addresses || memory.Table is not { } table)
            return;
        bool isPacked = (features & VirtioFeatures.RingPacked) != 0;
        if (!isPacked && (_size & (_size - 1)) != 0)
            throw new PeerViolationException($"gave ring {index} a size of {_size}, which is no power of two (virtio 1.2, section 2.7)");
        int driverLength = isPacked ? EventSuppression.Length : AvailableRing.HeaderLength + ((_size + 1) * sizeof(ushort));
        int deviceLength = isPacked ? EventSuppression.Length : UsedRing.HeaderLength + (_size * UsedElement.Length) + sizeof(ushort);
        _pieces ??= new AlignedMemory(DeviceBuffer.MaxPieces * DevicePiece.Size);
        var ring = new DeviceRingOptions
        {
            Descriptors = Find(memory, addresses.Descriptor, _size * SplitDescriptor.Length, SplitDescriptor.Length),
            Driver = Find(memory, addresses.Available, driverLength, isPacked ? EventSuppression.Length : sizeof(ushort)),
            Device = Find(memory, addresses.Used, deviceLength, sizeof(uint)),
            Size = _size,
            Features = features,
            Position = _position,
            IsLogged = inflight is not null,
            Memory = table,
            Pieces = AddressOf(_pieces),
        };
        InflightLog? log = inflight?.Start(index, ref ring, Call);
        var options = new VhostRingOptions(ring, Call, trouble) { Log = log };
        if (receiver is null)
            Sender = isPacked ? new VhostSender<PackedDeviceRing>(options) : new VhostSender<SplitDeviceRing>(options);
        else
        {
            // A guest that says that it is to be polled (VhostUserVringFile.NoFile) wakes nobody.
            receiver = Kick is null ? receiver with { Interrupt = null } : receiver;
            Receiver = isPacked ? new VhostReceiver<PackedDeviceRing>(options, receiver) : new VhostReceiver<SplitDeviceRing>(options, receiver);
        }
    }

    /// <summary>Ends what <see cref="Run"/> started. The gate of its queue is closed, and it is in no queue any more.</summary>
    /// <param name="loop">Keeps what packets still refer to.</param>
    /// <param name="release">Gives the guest's memory up, when the last packet is back.</param>
    public void End(PeerLoop loop, Action release)
    {
        _position = Receiver?.Position ?? Sender?.Position ?? _position;
        Sender?.Dispose();
        Receiver?.Dispose();
        if (Receiver is null)
            release();
        else
            loop.Retire(Receiver.Held, release);
        Sender = null;
        Receiver = null;
    }

    public void Dispose()
    {
        SetStopped();
        SetCall(null);
        _pieces?.Dispose();
    }

    private nint Find(VhostMemory memory, ulong address, int length, int alignment)
    {
        nint area = memory.FindArea(address, length, alignment);
        return area != 0
            ? area
            : throw new PeerViolationException(
                $"gave ring {index} an area of {length} bytes at 0x{address:x}, which is not in the memory it shares, or not aligned to {alignment}");
    }

    private static unsafe nint AddressOf(AlignedMemory memory) => (nint)memory.Address;
}
