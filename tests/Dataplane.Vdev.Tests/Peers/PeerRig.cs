using System.Diagnostics;
using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.Peers;

/// <summary>A runtime with ports that have peers; the calling thread polls them.</summary>
internal class PeerRig : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DataplaneRuntime _runtime;

    public PeerRig(params string[] vdevs)
        : this(new MempoolOptions { Count = 8192, CacheSize = 0 }, vdevs)
    {
    }

    public PeerRig(MempoolOptions pool, params string[] vdevs)
        : this(new MemoryOptions { NoHuge = true }, pool, vdevs)
    {
    }

    public PeerRig(MemoryOptions memory, MempoolOptions pool, params string[] vdevs)
    {
        _runtime = DataplaneRuntime.Create(
            new EalOptions
            {
                Vdevs = vdevs,
                Memory = memory,
                Lcores = new LcoreOptions { Assignments = [new LcoreAssignment(0, AllowedCpus.OfThisProcess())] },
            },
            SoftwarePorts.All,
            Log);
        Pool = _runtime.CreateMempool(pool);
    }

    public RecordingLogger Log { get; } = new();

    public Mempool Pool { get; }

    public DataplaneRuntime Runtime => _runtime;

    public Port this[int port] => _runtime.Ports[port];

    public PeerRig Start(int queues = 1, bool interrupts = false)
    {
        foreach (Port port in _runtime.Ports)
        {
            port.Configure(new PortConfiguration(Pool) { RxQueues = queues, TxQueues = queues, RxInterrupts = interrupts });
            port.Start();
        }

        return this;
    }

    /// <summary>Starts all ports and waits until they are connected.</summary>
    public PeerRig Connect(int queues = 1)
    {
        Start(queues);
        foreach (Port port in _runtime.Ports)
            WaitForLink(port);
        return this;
    }

    public void WaitForLink(Port port, bool isUp = true) =>
        WaitUntil(() => port.GetLink().IsUp == isUp, $"the link of {port.Name} is not {(isUp ? "up" : "down")}");

    public void WaitForLog(string text) =>
        WaitUntil(() => Log.Lines.Any(line => line.Contains(text, StringComparison.Ordinal)), $"nobody said '{text}'");

    public void WaitUntil(Func<bool> condition, string complaint)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, $"{complaint}: {string.Join('\n', Log.Lines)}");
            Thread.Sleep(1);
        }
    }

    /// <summary>A packet with these bytes, chained where they are more than a buffer, or than asked for, holds.</summary>
    public Packet Make(ReadOnlySpan<byte> frame, int perSegment = int.MaxValue)
    {
        Packet first = default;
        do
        {
            ReadOnlySpan<byte> part = frame[..Math.Min(Math.Min(frame.Length, perSegment), Pool.DataRoom)];
            Assert.True(Pool.TryAllocate(out Packet packet));
            Assert.True(packet.TryAppend(part.Length, out Span<byte> room));
            part.CopyTo(room);
            if (first.IsNull)
                first = packet;
            else
                Assert.True(first.TryChain(packet));
            frame = frame[part.Length..];
        }
        while (!frame.IsEmpty);
        return first;
    }

    /// <summary>Sends a frame; false if it is not taken.</summary>
    public bool TrySend(Port port, ReadOnlySpan<byte> frame, int queue = 0, int perSegment = int.MaxValue)
    {
        Packet packet = Make(frame, perSegment);
        if (port.TxQueues[queue].Send(new ReadOnlySpan<Packet>(in packet)) == 1)
            return true;
        packet.Free();
        return false;
    }

    /// <summary>Polls until a packet comes.</summary>
    public Packet ReceiveOne(Port port, int queue = 0)
    {
        Packet packet = default;
        WaitUntil(() => port.RxQueues[queue].Receive(new Span<Packet>(ref packet)) == 1, $"{port.Name} received nothing");
        return packet;
    }

    /// <summary>Polls until a frame comes, and frees its packet.</summary>
    public byte[] Receive(Port port, int queue = 0)
    {
        Packet packet = ReceiveOne(port, queue);
        byte[] frame = new byte[packet.Length];
        Assert.Equal(frame.Length, packet.CopyTo(frame));
        packet.Free();
        return frame;
    }

    /// <summary>Sends a frame, which arrives byte for byte.</summary>
    public void Exchange(Port from, Port to, ReadOnlySpan<byte> frame, int queue = 0, int perSegment = int.MaxValue)
    {
        Assert.True(TrySend(from, frame, queue, perSegment));
        Assert.Equal(frame, Receive(to, queue));
    }

    public void Dispose() => _runtime.Dispose();
}
