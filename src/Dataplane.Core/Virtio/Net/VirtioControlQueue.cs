using System.Diagnostics;

namespace Dataplane.Virtio;

/// <summary>The control queue of a network device (virtio 1.2, section 5.1.6.5), one command at a time. Control plane.</summary>
internal abstract class VirtioControlQueue : IDisposable
{
    /// <summary>VIRTIO_NET_OK: the device did it.</summary>
    protected const byte Ok = 0;

    /// <summary>Where the device finds the ring.</summary>
    public abstract VirtqueueAddresses Addresses { get; }

    /// <summary>Descriptors.</summary>
    public abstract int Size { get; }

    /// <summary>Makes the ring anew. Before the device uses it.</summary>
    public abstract void Start();

    /// <summary>Has the device do something, and waits for it.</summary>
    /// <param name="command">Class in the upper byte, command in the lower: <see cref="VirtioNetCommand"/>.</param>
    /// <param name="data">What belongs to the command.</param>
    /// <returns>Whether the device did it.</returns>
    /// <exception cref="DataplaneException">It did not answer in time; it is not asked again before the next start.</exception>
    public abstract bool TrySend(VirtioNetCommand command, ReadOnlySpan<byte> data);

    public abstract void Dispose();
}

/// <summary>Commands of the control queue: the class in the upper byte, the command in the lower (section 5.1.6.5).</summary>
internal enum VirtioNetCommand : ushort
{
    /// <summary>VIRTIO_NET_CTRL_RX_PROMISC: one byte, 1 or 0.</summary>
    RxPromiscuous = 0x0000,

    /// <summary>VIRTIO_NET_CTRL_RX_ALLMULTI: one byte, 1 or 0.</summary>
    RxAllMulticast = 0x0001,

    /// <summary>VIRTIO_NET_CTRL_MAC_ADDR_SET: six octets.</summary>
    MacAddressSet = 0x0101,

    /// <summary>VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET: 16 bits.</summary>
    MqPairsSet = 0x0400,

    /// <summary>VIRTIO_NET_CTRL_MQ_RSS_CONFIG: <see cref="VirtioRssConfiguration"/>.</summary>
    MqRssConfig = 0x0401,
}

/// <inheritdoc/>
/// <typeparam name="TRing">Split or packed.</typeparam>
/// <typeparam name="TNotifier">How the device is told that there is a command.</typeparam>
internal sealed unsafe class VirtioControlQueue<TRing, TNotifier> : VirtioControlQueue
    where TRing : struct, IDriverRing<TRing>
    where TNotifier : struct, IVirtqueueNotifier
{
    /// <summary>Longest command with its two bytes of class and command.</summary>
    private const int CommandRoom = 1024;

    private readonly VirtqueueMemory<TRing> _memory;
    private readonly string _deviceName;
    private readonly TNotifier _notifier;
    private readonly TimeSpan _atMost;
    private TRing _ring;

    /// <param name="options">Of the ring.</param>
    /// <param name="notifier">Of the device.</param>
    /// <param name="deviceName">For messages.</param>
    /// <param name="atMost">How long a command may take.</param>
    public VirtioControlQueue(VirtqueueOptions options, TNotifier notifier, string deviceName, TimeSpan atMost)
    {
        _atMost = atMost;
        _memory = new VirtqueueMemory<TRing>(options, CommandRoom + sizeof(ulong));
        _notifier = notifier;
        _deviceName = deviceName;
        Size = options.Size;
    }

    public override VirtqueueAddresses Addresses => _memory.Addresses;

    public override int Size { get; }

    private byte* Answer => _memory.Extra + CommandRoom;

    public override void Start() => _ring = _memory.CreateRing();

    public override bool TrySend(VirtioNetCommand command, ReadOnlySpan<byte> data)
    {
        if (_ring.InFlight != 0)
            throw NoAnswer(command);
        byte* message = _memory.Extra;
        message[0] = (byte)((ushort)command >> 8);
        message[1] = (byte)command;
        data.CopyTo(new Span<byte>(message + 2, CommandRoom - 2));
        *Answer = byte.MaxValue;
        ulong address = _memory.ExtraAddress;
        _ring.AddChain(
            token: 1,
            readable: [new BufferPiece(address, 2 + (uint)data.Length)],
            writable: [new BufferPiece(address + CommandRoom, sizeof(byte))]);
        if (_ring.Publish())
            _notifier.Notify(_ring.Position);
        WaitForAnswer(command);
        return *Answer == Ok;
    }

    public override void Dispose() => _memory.Dispose();

    private void WaitForAnswer(VirtioNetCommand command)
    {
        long start = Stopwatch.GetTimestamp();
        UsedBuffer used;
        ulong violations = 0;
        while (_ring.TakeUsed(&used, 1, ref violations) == 0)
        {
            TimeSpan waited = Stopwatch.GetElapsedTime(start);
            if (waited > _atMost)
                throw NoAnswer(command);
            Thread.Sleep(waited.TotalMilliseconds > 1 ? 1 : 0);
        }
    }

    private DataplaneException NoAnswer(VirtioNetCommand command) => new(
        $"{_deviceName}: the device does not answer the control queue's command {command} within {_atMost.TotalSeconds} s",
        "stop and start the port; if that does not help, look at the host's side of the device");
}
