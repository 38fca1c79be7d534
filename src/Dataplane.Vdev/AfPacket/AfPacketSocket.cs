using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Vdev.Kernel;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfPacket;

/// <summary>
/// A packet socket of a queue pair with its mapped rings. Both rings are of version 2, where a frame is handed over by
/// its own status word: version 3 hands over blocks when they are full or after a timer of at least a millisecond
/// (docs/ports.md has the measurements).
/// </summary>
internal sealed unsafe class AfPacketSocket : IDisposable
{
    /// <summary>Bytes of uncut frames that may wait behind the ring; about fifty of 64 KiB.</summary>
    private const int ReceiveBuffer = 4 << 20;

    private readonly string _device;
    private readonly SafeFileHandle _socket;
    private readonly Lock _lock = new();
    private byte* _map;
    private nuint _mapLength;
    private AlignedMemory? _frames;
    private ulong _drops;

    /// <summary>Opens a socket with its rings; it receives nothing before <see cref="Bind"/>.</summary>
    public AfPacketSocket(string device, AfPacketOptions options, bool hasRx, bool hasTx)
    {
        _device = device;
        _socket = PacketSockets.Open(device);
        try
        {
            ConfigureOptions(options);
            Map(options.Ring, hasRx, hasTx);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The descriptor's number, for the calls of the fast path.</summary>
    public int Fd => (int)_socket.DangerousGetHandle();

    /// <summary>The frames of the receive ring; null if there is none.</summary>
    public byte** RxFrames { get; private set; }

    /// <summary>The frames of the transmit ring; null if there is none.</summary>
    public byte** TxFrames { get; private set; }

    /// <summary>Frames that the kernel dropped because the ring or the receive buffer was full. Any thread.</summary>
    public ulong Drops
    {
        get
        {
            lock (_lock)
            {
                // Reading sets the kernel's counter back.
                TpacketStats statistics;
                uint length = (uint)sizeof(TpacketStats);
                const int Level = SocketNumbers.SOL_PACKET;
                const int Option = PacketSocket.PACKET_STATISTICS;
                if (!_socket.IsClosed && Libc.GetSockOpt(_socket, Level, Option, &statistics, &length) == 0)
                    _drops += statistics.TpDrops;
                return _drops;
            }
        }
    }

    /// <summary>Lets <see cref="Drops"/> count from zero.</summary>
    public void ResetDrops()
    {
        lock (_lock)
        {
            _ = Drops;
            _drops = 0;
        }
    }

    /// <summary>Attaches the socket to an interface; frames arrive from now on if it has a receive ring.</summary>
    public void Bind(int index)
    {
        ushort protocol = RxFrames == null ? (ushort)0 : PacketSocket.ETH_P_ALL;
        SockaddrLl address = PacketSockets.AddressOf(index, protocol);
        if (Libc.Bind(_socket, &address, (uint)sizeof(SockaddrLl)) != 0)
            throw KernelErrors.Failed(_device, $"bind a packet socket to the interface with index {index}", "NET_RAW");
    }

    /// <summary>Shares what arrives with the other sockets of a group.</summary>
    /// <param name="mode">PACKET_FANOUT_HASH and its like.</param>
    /// <param name="group">The group's id; null for a new group of its own.</param>
    /// <returns>The group's id.</returns>
    public ushort JoinFanout(int mode, ushort? group)
    {
        int argument = group ?? (PacketSocket.PACKET_FANOUT_FLAG_UNIQUEID << 16);
        argument |= mode << 16;
        if (Libc.SetSockOpt(_socket, SocketNumbers.SOL_PACKET, PacketSocket.PACKET_FANOUT, argument) != 0)
            throw KernelErrors.Failed(_device, "spread frames over its queues (PACKET_FANOUT)", "NET_RAW");
        uint length = sizeof(int);
        Libc.GetSockOpt(_socket, SocketNumbers.SOL_PACKET, PacketSocket.PACKET_FANOUT, &argument, &length);
        return (ushort)argument;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _ = Drops;
            if (_map != null)
                Libc.Munmap(_map, _mapLength);
            _map = null;
            _frames?.Dispose();
            _socket.Dispose();
        }
    }

    private void ConfigureOptions(AfPacketOptions options)
    {
        Set(PacketSocket.PACKET_VERSION, PacketSocket.TPACKET_V2, "use rings of version 2");
        // Rx: what the kernel left to the device (checksums, cutting) is told. Tx: a frame is copied into one piece.
        Set(PacketSocket.PACKET_VNET_HDR, 1, "use virtio headers (PACKET_VNET_HDR; it needs Linux 4.6)");
        // What is longer than a frame of the ring waits in the socket's receive buffer as a whole.
        Set(PacketSocket.PACKET_COPY_THRESH, 1, "keep long frames");
        if (options.QdiscBypass)
            Set(PacketSocket.PACKET_QDISC_BYPASS, 1, "bypass the queueing discipline");
        // Spares the kernel a copy; where it does not know this (before 4.20) such frames are skipped on receipt.
        if (!options.ReceivesOutgoing)
            Libc.SetSockOpt(_socket, SocketNumbers.SOL_PACKET, PacketSocket.PACKET_IGNORE_OUTGOING, 1);
        // Beyond the machine's limits where CAP_NET_ADMIN allows it, else up to them.
        SetBuffer(SocketNumbers.SO_RCVBUFFORCE, SocketNumbers.SO_RCVBUF, ReceiveBuffer);
        int sendBuffer = options.Ring.FrameCount * 2 * options.Ring.FrameSize;
        SetBuffer(SocketNumbers.SO_SNDBUFFORCE, SocketNumbers.SO_SNDBUF, sendBuffer);
    }

    private void SetBuffer(int force, int limited, int bytes)
    {
        if (Libc.SetSockOpt(_socket, SocketNumbers.SOL_SOCKET, force, bytes) != 0)
            Libc.SetSockOpt(_socket, SocketNumbers.SOL_SOCKET, limited, bytes);
    }

    private void Set(int option, int value, string action)
    {
        if (Libc.SetSockOpt(_socket, SocketNumbers.SOL_PACKET, option, value) != 0)
            throw KernelErrors.Failed(_device, action, "NET_RAW");
    }

    private void Map(RingSize ring, bool hasRx, bool hasTx)
    {
        TpacketReq request = ring.ToRequest();
        if (hasRx)
            SetRing(PacketSocket.PACKET_RX_RING, &request, ring);
        if (hasTx)
            SetRing(PacketSocket.PACKET_TX_RING, &request, ring);
        int rings = (hasRx ? 1 : 0) + (hasTx ? 1 : 0);
        _mapLength = ring.Length * (nuint)rings;
        const int Protection = Libc.PROT_READ | Libc.PROT_WRITE;
        void* map = Libc.Mmap(null, _mapLength, Protection, Libc.MAP_SHARED | Libc.MAP_POPULATE, _socket, 0);
        if (map == Libc.MapFailed)
            throw KernelErrors.Failed(_device, $"map its rings of {_mapLength} bytes", "IPC_LOCK");
        _map = (byte*)map;

        // The kernel lays the receive ring first, then the transmit ring.
        _frames = new AlignedMemory((nuint)(rings * ring.FrameCount * sizeof(byte*)));
        var table = (byte**)_frames.Address;
        for (int i = 0; i < rings * ring.FrameCount; i++)
            table[i] = _map + ((nuint)(i / ring.FrameCount) * ring.Length) + ring.OffsetOf(i % ring.FrameCount);
        RxFrames = hasRx ? table : null;
        TxFrames = hasTx ? table + (hasRx ? ring.FrameCount : 0) : null;
    }

    private void SetRing(int option, TpacketReq* request, RingSize ring)
    {
        if (Libc.SetSockOpt(_socket, SocketNumbers.SOL_PACKET, option, request, (uint)sizeof(TpacketReq)) == 0)
            return;
        DataplaneException failure = KernelErrors.Failed(_device, $"get a ring of {ring.Length} bytes", "NET_RAW");
        throw Errno.Last == Errno.ENOMEM
            ? new DataplaneException(failure.Problem, "lower framecnt or blocksz")
            : failure;
    }
}
