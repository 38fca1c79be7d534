using System.Diagnostics;
using Dataplane.Eal;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vdev;

namespace Dataplane.Interop.Tests.Rig;

/// <summary>Ports of ours in this process; the calling thread polls them.</summary>
internal sealed class OwnPorts : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly DataplaneRuntime _runtime;
    private readonly Mempool _pool;

    private OwnPorts(DataplaneRuntime runtime, RecordingLogger log)
    {
        _runtime = runtime;
        Log = log;
        // No cache: the thread is no lcore.
        _pool = runtime.CreateMempool(new MempoolOptions { Count = 16384, CacheSize = 0 });
    }

    /// <summary>What they said.</summary>
    public RecordingLogger Log { get; }

    /// <summary>Packets that are not in the pool.</summary>
    public int InUse => _pool.Statistics.InUse;

    public Port this[int port] => _runtime.Ports[port];

    /// <summary>Makes and starts them.</summary>
    public static OwnPorts Start(IReadOnlyList<string> vdevs, int queues)
    {
        var log = new RecordingLogger();
        var options = new EalOptions { Vdevs = vdevs, Memory = new MemoryOptions { NoHuge = true } };
        var ports = new OwnPorts(DataplaneRuntime.Create(options, SoftwarePorts.All, log), log);
        try
        {
            foreach (Port port in ports._runtime.Ports)
            {
                port.Configure(new PortConfiguration(ports._pool) { RxQueues = queues, TxQueues = queues });
                port.Start();
            }

            return ports;
        }
        catch
        {
            ports.Dispose();
            throw;
        }
    }

    /// <summary>Waits until each has found its peer.</summary>
    public void WaitForLinks()
    {
        long start = Stopwatch.GetTimestamp();
        while (_runtime.Ports.FirstOrDefault(port => !port.GetLink().IsUp) is { } port)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"the link of {port.Name} did not come up: {string.Join('\n', Log.Lines)}");
            Thread.Sleep(1);
        }
    }

    /// <summary>Sends a frame, in as many buffers as it needs; false if it is not taken.</summary>
    public bool TrySend(int port, int queue, ReadOnlySpan<byte> frame)
    {
        Packet packet = Make(frame);
        if (this[port].TxQueues[queue].Send(new ReadOnlySpan<Packet>(in packet)) == 1)
            return true;
        packet.Free();
        return false;
    }

    /// <summary>Takes what has arrived.</summary>
    /// <param name="port">The port.</param>
    /// <param name="queue">Its queue.</param>
    /// <param name="frames">Where it goes.</param>
    public void Receive(int port, int queue, ICollection<byte[]> frames)
    {
        var burst = new Packet[32];
        foreach (Packet packet in burst.AsSpan(0, this[port].RxQueues[queue].Receive(burst)))
        {
            byte[] frame = new byte[packet.Length];
            Assert.Equal(frame.Length, packet.CopyTo(frame));
            frames.Add(frame);
            packet.Free();
        }
    }

    public void Dispose() => _runtime.Dispose();

    private Packet Make(ReadOnlySpan<byte> frame)
    {
        Packet first = default;
        do
        {
            ReadOnlySpan<byte> part = frame[..Math.Min(frame.Length, _pool.DataRoom)];
            Assert.True(_pool.TryAllocate(out Packet packet));
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
}
