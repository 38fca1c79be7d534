using Dataplane.Linux;
using Dataplane.Vdev.Kernel;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// An AF_XDP socket with its four rings, for one queue of an interface. When it is disposed, the kernel writes no more
/// into the memory (but for zero-copy, see <see cref="IsZeroCopy"/>).
/// </summary>
internal sealed unsafe class XskSocket : IDisposable
{
    /// <summary>Longer than the kernel takes to give up a queue, whose socket it tears down in the background.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    /// <summary>Room for the frames of a whole ring on their way through the kernel, which makes more of each.</summary>
    private const int BytesInFlightPerFrame = 4096;

    private readonly string _device;
    private readonly KernelInterface _interface;
    private readonly SafeFileHandle _socket;
    private readonly List<(nint Address, nuint Length)> _maps = [];
    private readonly Lock _lock = new();
    private XdpStatistics _baseline;
    private XdpStatistics _last;
    private int _sendIsPending;

    /// <summary>Opens a socket. Nothing flows until it is bound.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="iface">The interface.</param>
    /// <param name="queue">The queue of the interface.</param>
    /// <param name="umem">The memory.</param>
    /// <param name="sharedWith">A bound socket whose registration of the same memory this one uses; null: it makes one.</param>
    public XskSocket(string device, KernelInterface iface, int queue, Umem umem, XskSocket? sharedWith)
    {
        _device = device;
        _interface = iface;
        Queue = queue;
        Umem = umem;
        SharedWith = sharedWith;
        _socket = Libc.Socket(SocketNumbers.AF_XDP, SocketNumbers.SOCK_RAW | SocketNumbers.SOCK_CLOEXEC, 0);
        try
        {
            if (_socket.IsInvalid)
                throw CannotOpen();
            if (sharedWith is null)
                Register();
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>The queue of the interface.</summary>
    public int Queue { get; }

    /// <summary>The memory.</summary>
    public Umem Umem { get; }

    /// <summary>The socket that registered the memory for this one; null if it did so itself.</summary>
    public XskSocket? SharedWith { get; }

    /// <summary>The socket, which this object owns.</summary>
    public SafeFileHandle Handle => _socket;

    /// <summary>The descriptor's number, which stays open until the socket is disposed.</summary>
    public int Fd => (int)_socket.DangerousGetHandle();

    /// <summary>
    /// Whether the device itself moves the frames. It may do so for some more time after the socket is closed.
    /// </summary>
    public bool IsZeroCopy { get; private set; }

    /// <summary>Received frames, of <see cref="XdpDesc"/>.</summary>
    public XskRing Rx { get; private set; }

    /// <summary>Frames to send, of <see cref="XdpDesc"/>.</summary>
    public XskRing Tx { get; private set; }

    /// <summary>Empty buffers for the kernel.</summary>
    public XskRing Fill { get; private set; }

    /// <summary>Buffers of sent frames.</summary>
    public XskRing Completion { get; private set; }

    /// <summary>Whether frames are in the transmit ring that the kernel could not take yet. Any thread.</summary>
    public bool IsSendPending => Volatile.Read(ref _sendIsPending) != 0;

    /// <summary>Makes the rings.</summary>
    /// <param name="receive">Frames of the receive ring and buffers of the fill ring, a power of two; 0: it receives nothing.</param>
    /// <param name="send">Frames of the transmit and the completion ring, a power of two; 0: it sends nothing.</param>
    public void MakeRings(int receive, int send)
    {
        // A socket has both rings of buffers, whether it receives or not.
        int fill = Math.Max(receive, 1), completion = Math.Max(send, 1);
        SetRing(XdpSocket.XDP_UMEM_FILL_RING, fill);
        SetRing(XdpSocket.XDP_UMEM_COMPLETION_RING, completion);
        if (receive != 0)
            SetRing(XdpSocket.XDP_RX_RING, receive);
        if (send != 0)
            SetRing(XdpSocket.XDP_TX_RING, send);

        XdpMmapOffsets offsets;
        uint length = (uint)sizeof(XdpMmapOffsets);
        if (Libc.GetSockOpt(_socket, SocketNumbers.SOL_XDP, XdpSocket.XDP_MMAP_OFFSETS, &offsets, &length) != 0)
            throw KernelErrors.Failed(_device, "find its rings (XDP_MMAP_OFFSETS)", "NET_RAW");
        if (length != sizeof(XdpMmapOffsets))
            throw new DataplaneException($"{_device} needs Linux 5.4 or newer", "use net_af_packet on this machine");
        Fill = Map(offsets.Fill, XdpSocket.XDP_UMEM_PGOFF_FILL_RING, fill, sizeof(ulong));
        Completion = Map(offsets.Completion, XdpSocket.XDP_UMEM_PGOFF_COMPLETION_RING, completion, sizeof(ulong));
        if (receive != 0)
            Rx = Map(offsets.Rx, XdpSocket.XDP_PGOFF_RX_RING, receive, sizeof(XdpDesc));
        if (send != 0)
            Tx = Map(offsets.Tx, XdpSocket.XDP_PGOFF_TX_RING, send, sizeof(XdpDesc));
        // Beyond the machine's limits where CAP_NET_ADMIN allows it, else up to them.
        int bytes = Math.Max(send, 64) * BytesInFlightPerFrame;
        if (Libc.SetSockOpt(_socket, SocketNumbers.SOL_SOCKET, SocketNumbers.SO_SNDBUFFORCE, bytes) != 0)
            Libc.SetSockOpt(_socket, SocketNumbers.SOL_SOCKET, SocketNumbers.SO_SNDBUF, bytes);
    }

    /// <summary>Lets frames flow.</summary>
    /// <param name="copies">Whether zero-copy is not tried.</param>
    public void Bind(bool copies)
    {
        int flags = XdpSocket.XDP_USE_NEED_WAKEUP | (copies ? XdpSocket.XDP_COPY : 0);
        // A shared registration brings its way of working with it.
        if (SharedWith is not null)
            flags = XdpSocket.XDP_SHARED_UMEM;
        var address = new SockaddrXdp
        {
            SxdpFamily = SocketNumbers.AF_XDP,
            SxdpFlags = (ushort)flags,
            SxdpIfindex = (uint)_interface.Index,
            SxdpQueueId = (uint)Queue,
            SxdpSharedUmemFd = (uint)(SharedWith?.Fd ?? 0),
        };
        long start = Environment.TickCount64;
        while (Libc.Bind(_socket, &address, (uint)sizeof(SockaddrXdp)) != 0)
        {
            if (Errno.Last != Errno.EBUSY || Environment.TickCount64 - start > s_patience.TotalMilliseconds)
                throw CannotBind();
            Thread.Sleep(5);
        }

        XdpOptions options = default;
        uint length = (uint)sizeof(XdpOptions);
        Libc.GetSockOpt(_socket, SocketNumbers.SOL_XDP, XdpSocket.XDP_OPTIONS, &options, &length);
        IsZeroCopy = (options.Flags & XdpSocket.XDP_OPTIONS_ZEROCOPY) != 0;
    }

    /// <summary>
    /// Waits, behind <see cref="Dispose"/>, until the device is done with the memory, which the kernel takes away from it in
    /// the background: from then on the queue may be bound again.
    /// </summary>
    public void AwaitDevice()
    {
        try
        {
            using var next = new XskSocket(_device, _interface, Queue, Umem, sharedWith: null);
            next.MakeRings(receive: 0, send: 1);
            next.Bind(copies: true);
        }
        catch (DataplaneException)
        {
            // The interface is gone, or the next program has the queue already.
        }
    }

    /// <summary>Lets the thread that polls do the kernel's work for the queue (SO_PREFER_BUSY_POLL, Linux 5.11).</summary>
    /// <param name="budget">Packets of a round.</param>
    /// <returns>False if the kernel refused; <see cref="Errno.Last"/> says why.</returns>
    public bool TryBusyPoll(int budget)
    {
        return Libc.SetSockOpt(_socket, SocketNumbers.SOL_SOCKET, SocketNumbers.SO_PREFER_BUSY_POLL, 1) == 0
            && Libc.SetSockOpt(_socket, SocketNumbers.SOL_SOCKET, SocketNumbers.SO_BUSY_POLL, BusyPollMicroseconds) == 0
            && Libc.SetSockOpt(_socket, SocketNumbers.SOL_SOCKET, SocketNumbers.SO_BUSY_POLL_BUDGET, budget) == 0;
    }

    /// <summary>Microseconds that DPDK has the kernel poll at most; a call that does not wait polls once, whatever it is.</summary>
    public const int BusyPollMicroseconds = 20;

    /// <summary>
    /// Whether the kernel knows whose work busy polling shall do (SO_INCOMING_NAPI_ID). The socket learns it from the first
    /// frame that it receives, but not from every driver: with a veth of Linux 6.18 it never does, and busy polling does
    /// nothing.
    /// </summary>
    public bool CanBusyPoll
    {
        get
        {
            int id = 0;
            uint length = sizeof(int);
            return Libc.GetSockOpt(_socket, SocketNumbers.SOL_SOCKET, SocketNumbers.SO_INCOMING_NAPI_ID, &id, &length) == 0 && id != 0;
        }
    }

    /// <summary>Has the kernel send what is in the transmit ring.</summary>
    /// <returns>0, or the error number.</returns>
    public int Kick() => Libc.SendTo(Fd, null, 0, SocketNumbers.MSG_DONTWAIT, null, 0) >= 0 ? 0 : Errno.Last;

    /// <summary>Remembers that the kernel could not take all.</summary>
    public void MarkPending() => Volatile.Write(ref _sendIsPending, 1);

    /// <summary>Tries again, if something is pending. Any thread.</summary>
    public void KickPending()
    {
        if (Interlocked.Exchange(ref _sendIsPending, 0) != 0 && Kick() != 0)
            MarkPending();
    }

    /// <summary>What the kernel dropped since the socket was opened or the counters were reset. Any thread.</summary>
    public XdpStatistics ReadStatistics()
    {
        lock (_lock)
        {
            XdpStatistics now = ReadTotals();
            return new XdpStatistics
            {
                RxDropped = now.RxDropped - _baseline.RxDropped,
                RxInvalidDescs = now.RxInvalidDescs - _baseline.RxInvalidDescs,
                TxInvalidDescs = now.TxInvalidDescs - _baseline.TxInvalidDescs,
                RxRingFull = now.RxRingFull - _baseline.RxRingFull,
                RxFillRingEmptyDescs = now.RxFillRingEmptyDescs - _baseline.RxFillRingEmptyDescs,
                TxRingEmptyDescs = now.TxRingEmptyDescs - _baseline.TxRingEmptyDescs,
            };
        }
    }

    /// <summary>Lets the counters count from zero.</summary>
    public void ResetStatistics()
    {
        lock (_lock)
            _baseline = ReadTotals();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            ReadTotals();
            foreach ((nint address, nuint length) in _maps)
                _ = Libc.Munmap((void*)address, length);
            _maps.Clear();
            _socket.Dispose();
        }
    }

    private XdpStatistics ReadTotals()
    {
        if (_socket.IsClosed)
            return _last;
        XdpStatistics statistics = default;
        uint length = (uint)sizeof(XdpStatistics);
        if (Libc.GetSockOpt(_socket, SocketNumbers.SOL_XDP, XdpSocket.XDP_STATISTICS, &statistics, &length) == 0)
            _last = statistics;
        return _last;
    }

    private void Register()
    {
        XdpUmemReg registration = Umem.ToRegistration();
        if (Libc.SetSockOpt(
            _socket, SocketNumbers.SOL_XDP, XdpSocket.XDP_UMEM_REG, &registration, (uint)sizeof(XdpUmemReg)) == 0)
            return;
        int error = Errno.Last;
        string problem = $"{_device} cannot register {Umem.Length >> 20} MiB of the mempool {Umem.Pool.Name} with the kernel: ";
        throw error switch
        {
            Errno.ENOBUFS => new DataplaneException(
                problem + "that is more than the process may lock (RLIMIT_MEMLOCK)",
                "raise it with 'ulimit -l unlimited', or " + KernelErrors.Grant("IPC_LOCK")),
            Errno.EINVAL => new DataplaneException(
                problem + Errno.Describe(error), "Linux 5.4 or newer is needed: use net_af_packet on this machine"),
            _ => new DataplaneException(problem + Errno.Describe(error)),
        };
    }

    private void SetRing(int option, int entries)
    {
        if (Libc.SetSockOpt(_socket, SocketNumbers.SOL_XDP, option, entries) != 0)
            throw KernelErrors.Failed(_device, $"get a ring of {entries} entries", "NET_RAW");
    }

    private XskRing Map(in XdpRingOffset offset, long page, int entries, int entrySize)
    {
        nuint length = (nuint)offset.Desc + ((nuint)entries * (nuint)entrySize);
        const int Protection = Libc.PROT_READ | Libc.PROT_WRITE;
        void* map = Libc.Mmap(null, length, Protection, Libc.MAP_SHARED | Libc.MAP_POPULATE, _socket, page);
        if (map == Libc.MapFailed)
            throw KernelErrors.Failed(_device, $"map a ring of {length} bytes", "IPC_LOCK");
        _maps.Add(((nint)map, length));
        byte* start = (byte*)map;
        return new XskRing
        {
            Producer = (uint*)(start + offset.Producer),
            Consumer = (uint*)(start + offset.Consumer),
            Flags = (uint*)(start + offset.Flags),
            Entries = start + offset.Desc,
            Size = (uint)entries,
        };
    }

    private DataplaneException CannotOpen()
    {
        if (Errno.Last == Errno.EAFNOSUPPORT)
        {
            return new DataplaneException(
                $"{_device} cannot open an AF_XDP socket: this kernel has none (CONFIG_XDP_SOCKETS)",
                $"use --vdev=net_af_packet0,iface={_interface.Name}");
        }

        return KernelErrors.Failed(_device, "open an AF_XDP socket", "NET_RAW");
    }

    private DataplaneException CannotBind()
    {
        string queue = $"queue {Queue} of {_interface.Name}";
        return Errno.Last switch
        {
            Errno.EBUSY => new DataplaneException(
                $"{_device} cannot have {queue}: another AF_XDP socket has it",
                "end the program that uses it, or choose another queue with start_queue="),
            Errno.EINVAL => new DataplaneException(
                $"{_device} cannot have {queue}: {Errno.DescribeLast()}",
                $"'ethtool -l {_interface.Name}' shows how many queues it has"),
            _ => KernelErrors.Failed(_device, $"have {queue}", "NET_RAW"),
        };
    }
}
