using System.Diagnostics;
using Dataplane.Linux;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Peers;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Vhost;

/// <summary>
/// A front end for tests, message by message, so that each can be wrong. Its memory is one file; the guest's addresses of it
/// start at <see cref="GuestBase"/>.
/// </summary>
internal sealed unsafe class FrontEnd : IDisposable
{
    public const ulong GuestBase = 0x1_0000_0000;

    /// <summary>Bytes of the memory.</summary>
    public const int Length = 8 << 20;

    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(60);

    private VhostUserChannel _channel;

    public FrontEnd(string path)
        : this(Connect(path))
    {
    }

    public FrontEnd(PeerSocket socket)
    {
        _channel = new VhostUserChannel(socket);
        File = new SharedFile(Length);
        Memory = (byte*)Libc.Mmap(null, Length, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, File.Handle, 0);
        Assert.False(Memory == Libc.MapFailed);
    }

    public SharedFile File { get; }

    public byte* Memory { get; }

    /// <summary>What was negotiated.</summary>
    public VirtioFeatures Features { get; private set; }

    /// <summary>Where back ends write down what they keep; null if they need not.</summary>
    public SafeFileHandle? InflightFile { get; private set; }

    /// <summary>What there is to say of that.</summary>
    public VhostUserInflight Inflight { get; private set; }

    /// <summary>By index: even ones receive.</summary>
    public List<FrontEndRing> Rings { get; } = [];

    /// <summary>The first ring that receives.</summary>
    public FrontEndRing Receiver => Rings[0];

    /// <summary>The first ring that sends.</summary>
    public FrontEndRing Sender => Rings[1];

    public static VirtioFeatures Usual => VirtioFeatures.Version1 | VirtioFeatures.UserProtocolFeatures | VirtioFeatures.NetMrgRxbuf
        | VirtioFeatures.RingIndirectDesc | VirtioFeatures.NetCsum | VirtioFeatures.NetGuestCsum | VirtioFeatures.NetMq;

    public VhostUserMemoryRegion Region => new()
    {
        GuestAddress = GuestBase,
        Size = Length,
        UserAddress = (ulong)Memory,
        MmapOffset = 0,
    };

    /// <summary>Everything up to rings that run.</summary>
    public FrontEnd Start(VirtioFeatures features, int pairs = 1, int size = 64, bool inflight = false)
    {
        Negotiate(features);
        SetMemory(Region);
        if (inflight)
        {
            Send(VhostUserRequest.GetInflightFd, new VhostUserInflight { QueueCount = (ushort)(2 * pairs), QueueSize = (ushort)size });
            Inflight = Answer<VhostUserInflight>();
            InflightFile = TakeFile();
            Send(VhostUserRequest.SetInflightFd, Inflight, InflightFile);
        }

        for (int i = 0; i < 2 * pairs; i++)
            StartRing(AddRing(size));
        Synchronize();
        return this;
    }

    /// <summary>Goes on with another back end, and the same rings. It does not know where they stand, but for the first ones.</summary>
    public void Reconnect(string path)
    {
        _channel.Dispose();
        _channel = new VhostUserChannel(Connect(path));
        Negotiate(Features);
        SetMemory(Region);
        Send(VhostUserRequest.SetInflightFd, Inflight, InflightFile!);
        Rings.ForEach(StartRing);
        Synchronize();
    }

    public void Negotiate(VirtioFeatures features)
    {
        Send(VhostUserRequest.SetOwner, ReadOnlySpan<byte>.Empty);
        var offered = (VirtioFeatures)Ask<ulong>(VhostUserRequest.GetFeatures);
        Assert.Equal(features, features & offered);
        if (features.HasFlag(VirtioFeatures.UserProtocolFeatures))
        {
            ulong protocol = Ask<ulong>(VhostUserRequest.GetProtocolFeatures);
            Send(VhostUserRequest.SetProtocolFeatures, protocol);
        }

        Send(VhostUserRequest.SetFeatures, (ulong)features);
        Features = features;
    }

    public void SetMemory(params VhostUserMemoryRegion[] regions)
    {
        var memory = new VhostUserMemory { RegionCount = (uint)regions.Length };
        for (int i = 0; i < regions.Length; i++)
            memory.Regions[i] = regions[i];
        Send(VhostUserRequest.SetMemTable, memory, [.. regions.Select(_ => File.Handle)]);
    }

    /// <summary>Makes a ring, which the back end is not told.</summary>
    public FrontEndRing AddRing(int size)
    {
        FrontEndRing ring = FrontEndRing.Create(this, Rings.Count, size);
        Rings.Add(ring);
        return ring;
    }

    public void StartRing(FrontEndRing ring)
    {
        uint index = (uint)ring.Index;
        Send(VhostUserRequest.SetVringCall, (ulong)index, ring.Call.Handle);
        Send(VhostUserRequest.SetVringNum, new VhostUserVringState { Index = index, Number = (uint)ring.Size });
        Send(VhostUserRequest.SetVringBase, new VhostUserVringState { Index = index, Number = ring.Base });
        Send(VhostUserRequest.SetVringAddr, ring.Addresses);
        Send(VhostUserRequest.SetVringKick, (ulong)index, ring.Kick.Handle);
        if (Features.HasFlag(VirtioFeatures.UserProtocolFeatures))
            Enable(ring, true);
    }

    public void Enable(FrontEndRing ring, bool enabled) => Send(
        VhostUserRequest.SetVringEnable, new VhostUserVringState { Index = (uint)ring.Index, Number = enabled ? 1u : 0u });

    /// <summary>Stops a ring; where it stands is what it starts with again.</summary>
    public uint StopRing(FrontEndRing ring)
    {
        Send(VhostUserRequest.GetVringBase, new VhostUserVringState { Index = (uint)ring.Index });
        VhostUserVringState state = Answer<VhostUserVringState>();
        Assert.Equal((uint)ring.Index, state.Index);
        ring.Base = state.Number;
        return state.Number;
    }

    /// <summary>Waits until the back end has done everything that it was sent.</summary>
    public void Synchronize() => Ask<ulong>(VhostUserRequest.GetFeatures);

    public void Send(VhostUserRequest request, ulong payload, params SafeFileHandle[] files) =>
        Assert.True(_channel.TrySend(request, flags: 0, payload, files));

    public void Send<T>(VhostUserRequest request, T payload, params SafeFileHandle[] files)
        where T : unmanaged => Assert.True(_channel.TrySend(request, flags: 0, payload, files));

    public void Send(VhostUserRequest request, ReadOnlySpan<byte> payload, uint flags = 0) =>
        Assert.True(_channel.TrySend(request, flags, payload));

    /// <summary>Sends a message that asks for an acknowledgement, and waits for it.</summary>
    public ulong SendAndWait<T>(VhostUserRequest request, T payload, params SafeFileHandle[] files)
        where T : unmanaged
    {
        Assert.True(_channel.TrySend(request, VhostUserHeader.NeedReply, payload, files));
        return Answer<ulong>();
    }

    public T Ask<T>(VhostUserRequest request)
        where T : unmanaged
    {
        Send(request, ReadOnlySpan<byte>.Empty);
        return Answer<T>();
    }

    public T Answer<T>()
        where T : unmanaged
    {
        Assert.Equal(VhostUserArrival.Message, Await());
        Assert.Equal(VhostUserHeader.Reply, _channel.Header.Flags & VhostUserHeader.Reply);
        return _channel.Read<T>();
    }

    /// <summary>An answer of so many bytes.</summary>
    public byte[] Answer(int length)
    {
        Assert.Equal(VhostUserArrival.Message, Await());
        Assert.Equal(length, _channel.Payload.Length);
        return _channel.Payload.ToArray();
    }

    /// <summary>The file that came with the last answer.</summary>
    public SafeFileHandle TakeFile() => _channel.Descriptors.Take(0);

    /// <summary>Waits until the back end closes the connection.</summary>
    public void WaitForEnd() => Assert.Equal(VhostUserArrival.Closed, Await());

    /// <summary>Raw bytes, which may be no message.</summary>
    public bool TrySendRaw(ReadOnlySpan<byte> bytes, params SafeFileHandle[] files) => _channel.Socket.TrySend(bytes, files);

    public ulong GuestOf(void* host) => GuestBase + (ulong)((byte*)host - Memory);

    public void Dispose()
    {
        _channel.Dispose();
        InflightFile?.Dispose();
        Rings.ForEach(ring => ring.Dispose());
        _ = Libc.Munmap(Memory, Length);
        File.Dispose();
    }

    public static void WaitUntil(Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < AtMost, "it does not happen");
            Thread.Sleep(1);
        }
    }

    private VhostUserArrival Await()
    {
        VhostUserArrival arrival = VhostUserArrival.Nothing;
        WaitUntil(() => (arrival = _channel.TryReceive()) != VhostUserArrival.Nothing);
        return arrival;
    }

    private static PeerSocket Connect(string path)
    {
        PeerSocket? socket = null;
        WaitUntil(() => (socket = PeerSocket.TryConnect(PeerAddress.File("test", path), PeerSocketKind.Stream, out _)) is not null);
        return socket!;
    }
}
