using System.Diagnostics;
using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Tests.Kernel;

/// <summary>A runtime with ports in a network namespace, and its pool.</summary>
internal sealed class KernelPort : IDisposable
{
    private const int Patience = 5000;
    private readonly NetworkNamespace _network;
    private readonly DataplaneRuntime _runtime;

    public KernelPort(NetworkNamespace network, params string[] vdevs)
        : this(network, new MempoolOptions { Count = 4096 }, null, vdevs)
    {
    }

    public KernelPort(NetworkNamespace network, MempoolOptions pool, ILoggerFactory? loggers, params string[] vdevs)
    {
        _network = network;
        var options = new EalOptions
        {
            Vdevs = vdevs,
            Memory = new MemoryOptions { NoHuge = true, Megabytes = 64 },
            Lcores = new LcoreOptions { Assignments = [new LcoreAssignment(0, AllowedCpus.OfThisProcess())] },
        };
        _runtime = network.Invoke(() => DataplaneRuntime.Create(options, SoftwarePorts.All, loggers));
        Pool = _runtime.CreateMempool(pool);
    }

    public Mempool Pool { get; }

    public Port Port => _runtime.Ports[0];

    public IReadOnlyList<Port> Ports => _runtime.Ports;

    public int FreeBuffers => Pool.Statistics.Available;

    /// <summary>Free buffers when the ports were started last: some hold buffers for what will arrive.</summary>
    public int FreeWhenStarted { get; private set; }

    public KernelPort Start(int rxQueues = 1, int txQueues = 1)
    {
        _network.Invoke(() =>
        {
            foreach (Port port in Ports)
            {
                if (port.State == PortState.Created)
                    port.Configure(new PortConfiguration(Pool) { RxQueues = rxQueues, TxQueues = txQueues });
                port.Start();
            }
        });
        FreeWhenStarted = FreeBuffers;
        return this;
    }

    /// <summary>Another pool of the runtime's.</summary>
    public Mempool CreatePool(MempoolOptions options) => _runtime.CreateMempool(options);

    /// <summary>A packet with these bytes, chained where one buffer is too short.</summary>
    public unsafe Packet Packet(ReadOnlySpan<byte> frame)
    {
        Assert.True(Pool.TryAllocate(out Packet first));
        Packet last = first;
        while (true)
        {
            int count = Math.Min(frame.Length, last.Tailroom);
            Assert.True(last.TryAppend(count, out Span<byte> room));
            frame[..count].CopyTo(room);
            frame = frame[count..];
            if (last != first)
                first.Mbuf->PacketLength += (uint)count;
            if (frame.IsEmpty)
                return first;
            Assert.True(Pool.TryAllocate(out Packet next));
            last.Mbuf->Next = next.Mbuf;
            first.Mbuf->SegmentCount++;
            last = next;
        }
    }

    /// <summary>Sends frames, again and again what does not go at once.</summary>
    public void Send(params IEnumerable<byte[]> frames)
    {
        Packet[] packets = [.. frames.Select(frame => Packet(frame))];
        Span<Packet> left = packets;
        var clock = Stopwatch.StartNew();
        while (!left.IsEmpty)
        {
            left = left[Port.TxQueues[0].Send(left)..];
            Assert.True(clock.ElapsedMilliseconds < Patience, $"{left.Length} packets were not sent");
        }
    }

    /// <summary>Receives a number of frames; fewer if no more come in time.</summary>
    public List<byte[]> Receive(int count, int queue = 0, int patience = Patience)
    {
        var frames = new List<byte[]>();
        Span<Packet> burst = stackalloc Packet[32];
        var clock = Stopwatch.StartNew();
        while (frames.Count < count && clock.ElapsedMilliseconds < patience)
        {
            int received = Port.RxQueues[queue].Receive(burst);
            foreach (Packet packet in burst[..received])
                frames.Add(BytesOf(packet));
            Dataplane.Packets.Packet.Free(burst[..received]);
            if (received != 0)
                clock.Restart();
        }

        return frames;
    }

    public static byte[] BytesOf(Packet packet)
    {
        var bytes = new List<byte>();
        Assert.False(packet.IsNull);
        int segments = 0;
        for (Packet segment = packet; !segment.IsNull; segment = segment.NextSegment, segments++)
            bytes.AddRange(segment.Data);
        Assert.Equal(packet.Length, bytes.Count);
        Assert.Equal(packet.SegmentCount, segments);
        return [.. bytes];
    }

    public void Dispose() => _runtime.Dispose();
}
