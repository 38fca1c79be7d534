using System.Diagnostics;
using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Tests.Pcap;

/// <summary>A runtime with net_pcap ports, a pool, and what was logged. The test's thread is its lcore.</summary>
internal sealed class PcapRig : IDisposable, ILoggerFactory, ILogger
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly DataplaneRuntime _runtime;
    private readonly Lock _lock = new();
    private readonly List<string> _log = [];

    public PcapRig(params string[] vdevs)
        : this(new MempoolOptions { Count = 1024, CacheSize = 64 }, vdevs)
    {
    }

    public PcapRig(MempoolOptions pool, params string[] vdevs)
    {
        var options = new EalOptions
        {
            Vdevs = vdevs,
            Memory = new MemoryOptions { NoHuge = true },
            Lcores = new LcoreOptions { Assignments = [new LcoreAssignment(0, AllowedCpus.OfThisProcess())] },
        };
        _runtime = DataplaneRuntime.Create(options, SoftwarePorts.All, this);
        Pool = _runtime.CreateMempool(pool);
        LcoreContext.Enter(_runtime.Memory.Identity, 0);
    }

    public Mempool Pool { get; }

    public Port Port => _runtime.Ports[0];

    public IReadOnlyList<Port> Ports => _runtime.Ports;

    public int Missing => Pool.Capacity - Pool.Statistics.Available;

    /// <summary>Warnings and errors.</summary>
    public string[] Logged
    {
        get
        {
            lock (_lock)
                return [.. _log];
        }
    }

    public static byte[] BytesOf(Packet packet)
    {
        var bytes = new byte[packet.Length];
        Assert.Equal(bytes.Length, packet.CopyTo(bytes));
        return bytes;
    }

    /// <summary>Waits for something that another thread does; fails if it does not come.</summary>
    public static void Await(Func<bool> condition, string what)
    {
        for (var clock = Stopwatch.StartNew(); !condition();)
        {
            Assert.True(clock.Elapsed < s_patience, $"waited in vain: {what}");
            Thread.Yield();
        }
    }

    public PcapRig Start(int rxQueues = 1, int txQueues = 1)
    {
        foreach (Port port in Ports)
        {
            if (port.State == PortState.Created)
                port.Configure(new PortConfiguration(Pool) { RxQueues = rxQueues, TxQueues = txQueues });
            port.Start();
        }

        return this;
    }

    /// <summary>Receives a number of frames; fails if they do not come.</summary>
    public List<byte[]> Receive(int count, int queue = 0)
    {
        var frames = new List<byte[]>();
        var burst = new Packet[32];
        Await(
            () =>
            {
                int most = Math.Min(burst.Length, count - frames.Count);
                int received = Port.RxQueues[queue].Receive(burst.AsSpan(0, most));
                foreach (Packet packet in burst.AsSpan(0, received))
                    frames.Add(BytesOf(packet));
                Packet.Free(burst.AsSpan(0, received));
                return frames.Count == count;
            },
            $"{count} frames");
        return frames;
    }

    /// <summary>Forwards a number of packets from the first port to the last, as l2fwd does but without loss.</summary>
    public void Forward(int count, int queue = 0)
    {
        var burst = new Packet[32];
        int forwarded = 0;
        Await(
            () =>
            {
                int received = Ports[0].RxQueues[queue].Receive(burst);
                for (int sent = 0; sent < received;)
                    sent += Ports[^1].TxQueues[queue].Send(burst.AsSpan(sent, received - sent));
                forwarded += received;
                return forwarded >= count;
            },
            $"{count} packets");
        Assert.Equal(count, forwarded);
    }

    /// <summary>A packet with these bytes in segments of a length.</summary>
    public Packet MakePacket(ReadOnlySpan<byte> frame, int segmentLength = 2048)
    {
        Packet packet = default;
        do
        {
            int count = Math.Min(frame.Length, segmentLength);
            Assert.True(Pool.TryAllocate(out Packet segment));
            Assert.True(segment.TryAppend(count, out Span<byte> room));
            frame[..count].CopyTo(room);
            frame = frame[count..];
            if (packet.IsNull)
                packet = segment;
            else
                Assert.True(packet.TryChain(segment));
        }
        while (!frame.IsEmpty);
        return packet;
    }

    public void Send(ReadOnlySpan<byte> frame, int segmentLength = 2048)
    {
        Packet packet = MakePacket(frame, segmentLength);
        Assert.Equal(1, Port.TxQueues[0].Send([packet]));
    }

    public void Dispose()
    {
        LcoreContext.Leave();
        _runtime.Dispose();
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        lock (_lock)
            _log.Add(formatter(state, exception));
    }
}
