using System.Diagnostics;
using Dataplane;
using Dataplane.Eal;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev;
using Microsoft.Extensions.Logging.Abstractions;
using Versus.Machine;

namespace Versus.Probe;

/// <summary>Two ports of ours, the counterparts of those of the program under test; the calling thread polls them.</summary>
internal sealed class ProbePorts : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly DataplaneRuntime _runtime;
    private readonly Mempool _pool;

    private ProbePorts(DataplaneRuntime runtime)
    {
        _runtime = runtime;
        // No cache: the thread is no lcore.
        _pool = runtime.CreateMempool(new MempoolOptions { Count = 8192, CacheSize = 0 });
    }

    /// <summary>Makes and starts them; who is at the other side may come later.</summary>
    public static ProbePorts Start(string first, string second)
    {
        var options = new EalOptions { Vdevs = [first, second], NoPci = true, NoSharedConfiguration = true, Telemetry = false, Memory = new MemoryOptions { NoHuge = true } };
        var ports = new ProbePorts(DataplaneRuntime.Create(options, SoftwarePorts.All, NullLoggerFactory.Instance));
        try
        {
            foreach (Port port in ports._runtime.Ports)
            {
                port.Configure(new PortConfiguration(ports._pool));
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

    /// <summary>One of them.</summary>
    public IProbeEnd End(int port) => new PortEnd(_runtime.Ports[port], _pool);

    /// <summary>Waits until each has found the program.</summary>
    public void WaitForLinks()
    {
        long start = Stopwatch.GetTimestamp();
        while (_runtime.Ports.FirstOrDefault(port => !port.GetLink().IsUp) is { } port)
        {
            if (Stopwatch.GetElapsedTime(start) > s_patience)
                throw new VersusException($"The link of the probe's {port.Name} did not come up");
            Thread.Sleep(1);
        }
    }

    public void Dispose() => _runtime.Dispose();

    private sealed class PortEnd(Port port, Mempool pool) : IProbeEnd
    {
        private readonly RxQueue _rx = port.RxQueues[0];
        private readonly TxQueue _tx = port.TxQueues[0];

        public bool TrySend(ReadOnlySpan<byte> frame)
        {
            if (!pool.TryAllocate(out Packet packet))
                return false;
            bool isSent = packet.TryAppend(frame.Length, out Span<byte> room);
            if (isSent)
            {
                frame.CopyTo(room);
                isSent = _tx.Send(new ReadOnlySpan<Packet>(in packet)) == 1;
            }

            if (!isSent)
                packet.Free();
            return isSent;
        }

        public bool TryReceive(Span<byte> buffer, out int length)
        {
            Packet packet = default;
            length = 0;
            if (_rx.Receive(new Span<Packet>(ref packet)) == 0)
                return false;
            length = packet.CopyTo(buffer);
            packet.Free();
            return true;
        }
    }
}
