using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Vdev.Memif;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Memif;

/// <summary>An end of a memif connection that does what a test wants, right or wrong, message by message.</summary>
internal sealed unsafe class RawMemifPeer : IDisposable
{
    private readonly PeerSocket _socket;
    private readonly ReceivedDescriptors _descriptors = new(capacity: 1);
    private byte* _memory;
    private nuint _length;

    private RawMemifPeer(PeerSocket socket) => _socket = socket;

    /// <summary>The file of the region that a raw client shares.</summary>
    public SharedFile? File { get; private set; }

    /// <summary>Bytes of the region.</summary>
    public ulong Length => _length;

    /// <summary>What comes with each ring.</summary>
    public EventFd Event { get; } = new();

    /// <summary>What a raw server's client wakes it by for C2S.</summary>
    public SafeFileHandle? Kick { get; private set; }

    /// <summary>The eventfds that a raw server got, one for each ring of its client.</summary>
    public List<SafeFileHandle> Files { get; } = [];

    /// <summary>C2S and S2C ring of a raw client, or of a raw server's client.</summary>
    public MemifRing C2s { get; private set; }

    public MemifRing S2c { get; private set; }

    /// <summary>Where buffers of a raw client start in its region.</summary>
    public uint Buffers { get; private set; }

    public static RawMemifPeer ConnectTo(string path)
    {
        PeerAddress address = PeerAddress.File("raw", path);
        PeerSocket? socket = null;
        string reason = "";
        // Whoever listens may have as many waiting as it takes.
        bool connected = SpinWait.SpinUntil(
            () => (socket = PeerSocket.TryConnect(address, PeerSocketKind.Messages, out reason)) is not null, TimeSpan.FromSeconds(60));
        Assert.True(connected, reason);
        return new RawMemifPeer(socket!);
    }

    public static RawMemifPeer Accept(PeerListener listener)
    {
        PeerSocket? socket = null;
        Assert.True(SpinWait.SpinUntil(() => (socket = listener.TryAccept()) is not null, TimeSpan.FromSeconds(60)));
        return new RawMemifPeer(socket!);
    }

    public void SendBytes(ReadOnlySpan<byte> bytes) => _socket.TrySend(bytes);

    public void Send(in MemifMessage message, SafeFileHandle? file = null)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<MemifMessage>(in message));
        if (file is null)
            _socket.TrySend(bytes);
        else
            _socket.TrySend(bytes, file);
    }

    public void SendTwoFiles() => _socket.TrySend(new byte[MemifMessage.Length], Event.Handle, Event.Handle);

    /// <summary>The next message; its descriptor stays until the one after it.</summary>
    public MemifMessage Receive()
    {
        MemifMessage message = default;
        int length = 0;
        _descriptors.Clear();
        Assert.True(
            SpinWait.SpinUntil(() => _socket.TryReceive(MemoryMarshal.AsBytes(new Span<MemifMessage>(ref message)), _descriptors, out length), TimeSpan.FromSeconds(60)),
            "nothing came");
        Assert.Equal(MemifMessage.Length, length);
        return message;
    }

    public MemifMessage Receive(MemifMessageType type)
    {
        MemifMessage message = Receive();
        Assert.True(message.Type == type, $"{message.Type} came: {MemifText.Read(message.Disconnect.Reason)}");
        return message;
    }

    /// <summary>Waits until the other end closes the connection; what it said last, if it said why.</summary>
    public string ReceiveEnd()
    {
        string reason = "";
        while (true)
        {
            MemifMessage message = default;
            int length = 0;
            Assert.True(
                SpinWait.SpinUntil(() => _socket.TryReceive(MemoryMarshal.AsBytes(new Span<MemifMessage>(ref message)), _descriptors, out length), TimeSpan.FromSeconds(60)),
                "the connection stands");
            if (length == 0)
                return reason;
            if (message.Type == MemifMessageType.Disconnect)
                reason = MemifText.Read(message.Disconnect.Reason);
        }
    }

    public static MemifMessage Init(uint id = 0)
    {
        var message = new MemifMessage { Type = MemifMessageType.Init };
        message.Init.Version = MemifNumbers.Version;
        message.Init.Id = id;
        return message;
    }

    public static MemifMessage AddRegion(int index, ulong size)
    {
        var message = new MemifMessage { Type = MemifMessageType.AddRegion };
        message.AddRegion.Index = (ushort)index;
        message.AddRegion.Size = size;
        return message;
    }

    public static MemifMessage AddRing(bool isC2s, uint offset, int log2RingSize = 4, int index = 0, int region = 0)
    {
        var message = new MemifMessage { Type = MemifMessageType.AddRing };
        message.AddRing.Flags = isC2s ? MemifNumbers.ClientToServer : (ushort)0;
        message.AddRing.Index = (ushort)index;
        message.AddRing.Region = (ushort)region;
        message.AddRing.Offset = offset;
        message.AddRing.Log2RingSize = (byte)log2RingSize;
        return message;
    }

    /// <summary>Makes the memory of a raw client: both rings and 2048 bytes for each descriptor.</summary>
    public void MakeRegion(MemifRingLayout layout, int log2RingSize = 4, int gap = 0, bool isSealed = true)
    {
        uint ring = (uint)(layout.LengthOf(log2RingSize) + gap);
        Buffers = 2 * ring;
        _length = Buffers + (nuint)(2 * (2048 << log2RingSize));
        File = new SharedFile((long)_length);
        if (isSealed)
            Assert.Equal(0, Libc.Fcntl(File.Handle, Libc.F_ADD_SEALS, Libc.F_SEAL_SHRINK));
        _memory = (byte*)Libc.Mmap(null, _length, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, File.Handle, 0);
        C2s = new MemifRing(_memory, layout, log2RingSize);
        S2c = new MemifRing(_memory + ring, layout, log2RingSize);
        *C2s.Cookie = MemifNumbers.Cookie;
        *S2c.Cookie = MemifNumbers.Cookie;
    }

    /// <summary>Takes the descriptor of a client's region 0 and maps it, for a raw server.</summary>
    public void MapRegion(ulong size)
    {
        using SafeFileHandle file = _descriptors.Take(0);
        _length = (nuint)size;
        _memory = (byte*)Libc.Mmap(null, _length, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, file, 0);
    }

    public MemifRing RingAt(uint offset, MemifRingLayout layout, int log2RingSize) => new(_memory + offset, layout, log2RingSize);

    /// <summary>A client's part up to the connection.</summary>
    public RawMemifPeer Connect(MemifRingLayout? layout = null, int gap = 0, bool isSealed = true)
    {
        MakeRegion(layout ?? MemifRingLayout.Lines64, gap: gap, isSealed: isSealed);
        Receive(MemifMessageType.Hello);
        Send(Init());
        Receive(MemifMessageType.Ack);
        Send(AddRegion(0, _length), File!.Handle);
        Receive(MemifMessageType.Ack);
        Send(AddRing(isC2s: true, 0), Event.Handle);
        Receive(MemifMessageType.Ack);
        Send(AddRing(isC2s: false, Buffers / 2), Event.Handle);
        Receive(MemifMessageType.Ack);
        Send(new MemifMessage { Type = MemifMessageType.Connect });
        Receive(MemifMessageType.Connected);
        return this;
    }

    /// <summary>A server's part up to the connection: maps the client's region 0 and finds its first rings.</summary>
    public RawMemifPeer AcceptAll(MemifRingLayout layout)
    {
        var hello = new MemifMessage { Type = MemifMessageType.Hello };
        hello.Hello.MinVersion = MemifNumbers.Version;
        hello.Hello.MaxVersion = MemifNumbers.Version;
        hello.Hello.MaxLog2RingSize = MemifNumbers.MaxLog2RingSize;
        hello.Hello.MaxRegion = MemifNumbers.MaxRegions - 1;
        Send(hello);
        while (true)
        {
            MemifMessage message = Receive();
            if (message.Type == MemifMessageType.AddRegion && message.AddRegion.Index == 0)
                MapRegion(message.AddRegion.Size);
            if (message.Type == MemifMessageType.AddRing)
            {
                Files.Add(_descriptors.Take(0));
                MemifRing ring = RingAt(message.AddRing.Offset, layout, message.AddRing.Log2RingSize);
                if ((message.AddRing.Flags & MemifNumbers.ClientToServer) != 0)
                    (C2s, Kick) = (ring, Files[^1]);
                else
                    S2c = ring;
            }

            if (message.Type == MemifMessageType.Connect)
                break;
            Send(new MemifMessage { Type = MemifMessageType.Ack });
        }

        return this;
    }

    /// <summary>As DPDK's server: both indices are zero, then it says that it is ready.</summary>
    public void ConfirmConnection()
    {
        foreach (MemifRing ring in new[] { C2s, S2c })
            *ring.Head = *ring.Tail = 0;
        Send(new MemifMessage { Type = MemifMessageType.Connected });
    }

    public void Dispose()
    {
        _socket.Dispose();
        _descriptors.Dispose();
        if (_memory != null)
            _ = Libc.Munmap(_memory, _length);
        File?.Dispose();
        Event.Dispose();
        Files.ForEach(static file => file.Dispose());
    }
}
