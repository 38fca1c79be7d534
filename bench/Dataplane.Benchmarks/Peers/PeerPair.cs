using System.Diagnostics;
using System.Runtime.CompilerServices;
using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev;

namespace Dataplane.Benchmarks.Peers;

/// <summary>
/// Two ports of ours that are each other's peer, over a socket and memory that both have mapped. Frames go round between them.
/// </summary>
internal sealed class PeerPair : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly DataplaneRuntime _runtime;
    private readonly Mempool[] _pools;
    private readonly string _folder;

    /// <param name="vdevs">Two; DIR stands for a folder for their socket.</param>
    public PeerPair(params IEnumerable<string> vdevs)
    {
        _folder = Directory.CreateTempSubdirectory("peer-cycles").FullName;
        var options = new EalOptions
        {
            Vdevs = [.. vdevs.Select(vdev => vdev.Replace("DIR", _folder, StringComparison.Ordinal))],
            Memory = new MemoryOptions { NoHuge = true },
        };
        _runtime = DataplaneRuntime.Create(options, SoftwarePorts.All);
        _pools = [.. _runtime.Ports.Select(port => _runtime.CreateMempool(new MempoolOptions { Name = port.Name, CacheSize = 256 }))];
        Sides = [.. _runtime.Ports.Select((port, i) => Start(port, _pools[i]))];
        long start = Stopwatch.GetTimestamp();
        while (!_runtime.Ports.All(port => port.GetLink().IsUp))
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw new InvalidOperationException($"{_runtime.Ports[0].Name} and {_runtime.Ports[1].Name} did not connect");
            Thread.Sleep(1);
        }
    }

    /// <summary>Both ports, each as a forwarder that sends what it receives back.</summary>
    public IReadOnlyList<PeerSide> Sides { get; }

    /// <summary>Makes the calling thread the lcore of a side.</summary>
    public void Enter(int side, int cpu)
    {
        _ = ThreadAffinity.TrySet(0, new CpuSet([cpu]));
        LcoreContext.Enter(_runtime.Memory.Identity, side);
    }

    /// <summary>Puts frames on their way. By the lcore of the side.</summary>
    public void Inject(int side, int count, int length)
    {
        for (int i = 0; i < count; i++)
        {
            if (!_pools[side].TryAllocate(out Packet packet) || !packet.TryAppend(length, out Span<byte> frame))
                throw new InvalidOperationException("The mempool is too small for the frames");
            frame.Clear();
            Sides[side].Send(new ReadOnlySpan<Packet>(in packet));
        }
    }

    public void Dispose()
    {
        LcoreContext.Leave();
        _runtime.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static PeerSide Start(Port port, Mempool pool)
    {
        port.Configure(new PortConfiguration(pool));
        port.Start();
        return new PeerSide(port.RxQueues[0], port.TxQueues[0]);
    }
}

/// <summary>A port that forwards from its receive queue to its transmit queue.</summary>
internal sealed class PeerSide(RxQueue rx, TxQueue tx)
{
    private const int MaxBurst = 64;

    private readonly Packet[] _packets = new Packet[MaxBurst];

    /// <summary>One round of a forwarder that touches no data; packets that nobody takes are dropped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Forward(int burst)
    {
        Span<Packet> packets = _packets.AsSpan(0, burst);
        int received = rx.Receive(packets);
        if (received != 0)
            Send(packets[..received]);
        return received;
    }

    /// <summary>Sends, and waits for room.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Send(ReadOnlySpan<Packet> packets)
    {
        do
            packets = packets[tx.Send(packets)..];
        while (!packets.IsEmpty);
    }
}
