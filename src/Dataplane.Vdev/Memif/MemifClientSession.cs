using System.Diagnostics.CodeAnalysis;
using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// Our connection to a server: behind its HELLO the memory and the rings are made and offered message by message, each
/// behind the acknowledgement of the last; CONNECT, and when CONNECTED comes the buffers are posted.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The end of the connection, which always comes, gives everything back.")]
internal sealed class MemifClientSession : MemifSession
{
    /// <summary>What stands where a server of the other layout writes a zero when it connects.</summary>
    private const ushort LayoutMark = 0x5A5A;

    private readonly Queue<(MemifMessage Message, SafeFileHandle? Descriptor)> _unsent = new();
    private readonly MemifPort _port;
    private MemifSharedMemory? _shared;
    private MemifMessageType _expected = MemifMessageType.Hello;
    private string _program = "";
    private int _log2RingSize;
    private int _c2sRings;
    private int _s2cRings;

    public MemifClientSession(MemifHub hub, MemifPort port, PeerSocket socket)
        : base(hub, socket)
    {
        _port = port;
        Port = port;
    }

    protected override bool IsKickAbused => _port.TxQueues.Cast<IMemifQueue>().Any(static queue => queue.Event is { IsAbused: true });

    protected override void OnMessage(in MemifMessage message, ReceivedDescriptors descriptors)
    {
        if (message.Type != _expected)
            throw new PeerViolationException($"sent {message.Type} where {(_expected == MemifMessageType.None ? "nothing" : _expected)} comes");
        switch (message.Type)
        {
            case MemifMessageType.Hello:
                OnHello(message.Hello);
                break;
            case MemifMessageType.Ack:
                SendNext();
                break;
            default:
                OnConnected(MemifText.Read(message.InterfaceName));
                break;
        }
    }

    protected override void OnEnd() => _shared?.Dispose();

    private void OnHello(MemifHello hello)
    {
        _program = MemifText.Read(hello.Name);
        if (hello.MinVersion > MemifNumbers.Version || hello.MaxVersion < MemifNumbers.Version)
            throw new PeerViolationException($"speaks versions {hello.MinVersion >> 8}.{hello.MinVersion & 0xFF} to {hello.MaxVersion >> 8}.{hello.MaxVersion & 0xFF} of memif, not 2.0");
        _c2sRings = Math.Min(hello.MaxC2sRing + 1, _port.TxQueues.Count);
        _s2cRings = Math.Min(hello.MaxS2cRing + 1, _port.RxQueues.Count);
        _log2RingSize = Math.Min((int)hello.MaxLog2RingSize, _port.Options.Log2RingSize);
        if (_log2RingSize == 0)
            throw new PeerViolationException("allows rings of one descriptor only");
        Regions.Own = new MemifOwnRegion(_port.Name, _port.Options, _port.ClientLayout, _log2RingSize, _c2sRings, _s2cRings);
        if (_port.Options.ZeroCopy)
            _shared = new MemifSharedMemory(_port.Memory, firstRegion: 1);
        int regions = 1 + (_shared?.Files.Count ?? 0);
        if (regions > hello.MaxRegion + 1)
            throw new PeerViolationException($"allows {hello.MaxRegion + 1} regions, where {_port.Name} has {regions}: start with --single-file-segments");
        Prepare();
        SendNext();
    }

    /// <summary>All messages up to the connection, in their order.</summary>
    private void Prepare()
    {
        var init = new MemifMessage { Type = MemifMessageType.Init };
        init.Init.Version = MemifNumbers.Version;
        init.Init.Id = _port.Options.Id;
        init.Init.Mode = MemifNumbers.EthernetMode;
        MemifText.Write(init.Init.Secret, _port.Options.Secret);
        MemifText.Write(init.Init.Name, MemifHub.ProgramName);
        _unsent.Enqueue((init, null));

        AddRegion(0, Regions.Own.Length, Regions.Own.Handle);
        for (int i = 0; i < (_shared?.Files.Count ?? 0); i++)
            AddRegion(i + 1, _shared!.Files[i].Length, _shared.Files[i].Handle);
        for (int i = 0; i < _c2sRings; i++)
        {
            var queue = (IMemifQueue)_port.TxQueues[i];
            queue.RenewKick();
            AddRing(MemifNumbers.ClientToServer, i, ring: i, queue);
        }

        for (int i = 0; i < _s2cRings; i++)
            AddRing(0, i, ring: _c2sRings + i, (IMemifQueue)_port.RxQueues[i]);

        var connect = new MemifMessage { Type = MemifMessageType.Connect };
        MemifText.Write(connect.InterfaceName, _port.Name);
        _unsent.Enqueue((connect, null));
    }

    private void AddRegion(int index, ulong size, SafeFileHandle file)
    {
        var message = new MemifMessage { Type = MemifMessageType.AddRegion };
        message.AddRegion.Index = (ushort)index;
        message.AddRegion.Size = size;
        _unsent.Enqueue((message, file));
    }

    private void AddRing(ushort flags, int index, int ring, IMemifQueue queue)
    {
        var message = new MemifMessage { Type = MemifMessageType.AddRing };
        message.AddRing.Flags = flags;
        message.AddRing.Index = (ushort)index;
        message.AddRing.Region = 0;
        message.AddRing.Offset = Regions.Own.OffsetOfRing(ring);
        message.AddRing.Log2RingSize = (byte)_log2RingSize;
        _unsent.Enqueue((message, queue.Event!.Handle));
    }

    private void SendNext()
    {
        (MemifMessage message, SafeFileHandle? descriptor) = _unsent.Dequeue();
        bool isLast = message.Type == MemifMessageType.Connect;
        if (isLast)
            MarkLayout();
        _expected = isLast ? MemifMessageType.Connected : MemifMessageType.Ack;
        if (descriptor is null)
            Send(message);
        else
            Send(message, descriptor);
    }

    private void OnConnected(string interfaceName)
    {
        _expected = MemifMessageType.None;
        CheckLayout();
        for (int i = 0; i < _c2sRings; i++)
            Attach((IMemifQueue)_port.TxQueues[i], LinkOf(i, isRx: false));
        for (int i = 0; i < _s2cRings; i++)
            Attach((IMemifQueue)_port.RxQueues[i], LinkOf(_c2sRings + i, isRx: true));
        Established();
        _port.OnConnected(this, $"{interfaceName} of {_program}: {_c2sRings} C2S and {_s2cRings} S2C rings with {Regions.Own.Layout}");
    }

    private unsafe MemifQueueLink LinkOf(int ring, bool isRx) => new()
    {
        Ring = Regions.Own.RingAt(ring),
        Regions = Regions.Table,
        RegionCount = Regions.Count,
        BuffersOffset = _port.Options.ZeroCopy ? 0 : Regions.Own.OffsetOfBuffers(ring),
        Returns = isRx && !_port.Options.ZeroCopy ? Regions.CreateReturns(1 << _log2RingSize) : null,
        Shared = _shared,
        Report = Report,
    };

    /// <summary>
    /// libmemif and DPDK set both indices of a ring to zero when they connect. Where those of the other layout would be
    /// nobody else writes before frames flow.
    /// </summary>
    private unsafe void MarkLayout()
    {
        for (int i = 0; i < Regions.Own.RingCount; i++)
            *MarkOf(i) = LayoutMark;
    }

    private unsafe void CheckLayout()
    {
        for (int i = 0; i < Regions.Own.RingCount; i++)
        {
            if (*MarkOf(i) != LayoutMark)
                throw _port.RefuseLayout(_program);
            *MarkOf(i) = 0;
            // What a server wrote when it connected may be older than what we wrote.
            *Regions.Own.RingAt(i).Head = 0;
            *Regions.Own.RingAt(i).Tail = 0;
        }
    }

    private unsafe ushort* MarkOf(int ring) =>
        (ushort*)(Regions.Own.Address + Regions.Own.OffsetOfRing(ring) + Regions.Own.Layout.Other.TailOffset);
}
