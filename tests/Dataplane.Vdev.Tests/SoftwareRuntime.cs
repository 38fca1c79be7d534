using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Tests;

/// <summary>A runtime with ports that need no kernel, on ordinary memory; the calling thread is its lcore.</summary>
internal sealed class SoftwareRuntime : IDisposable
{
    private readonly DataplaneRuntime _runtime;

    public SoftwareRuntime(params string[] vdevs)
        : this(new MempoolOptions { Count = 2048, CacheSize = 32 }, vdevs)
    {
    }

    public SoftwareRuntime(MempoolOptions pool, params string[] vdevs)
    {
        _runtime = DataplaneRuntime.Create(
            new EalOptions
            {
                Vdevs = vdevs,
                Memory = new MemoryOptions { NoHuge = true },
                Lcores = new LcoreOptions { Assignments = [new LcoreAssignment(0, AllowedCpus.OfThisProcess())] },
            },
            SoftwarePorts.All);
        Pool = _runtime.CreateMempool(pool);
        LcoreContext.Enter(_runtime.Memory.Identity, 0);
    }

    public Mempool Pool { get; }

    public int InUse => Pool.Statistics.InUse;

    public Port this[int port] => _runtime.Ports[port];

    public SoftwareRuntime Start(int queues = 1)
    {
        foreach (Port port in _runtime.Ports)
        {
            port.Configure(new PortConfiguration(Pool) { RxQueues = queues, TxQueues = queues });
            port.Start();
        }

        return this;
    }

    public Packet[] Allocate(int count, int length = 60)
    {
        var packets = new Packet[count];
        for (int i = 0; i < count; i++)
        {
            Assert.True(Pool.TryAllocate(out packets[i]));
            Assert.True(packets[i].TryAppend(length, out Span<byte> data));
            data.Fill((byte)i);
        }

        return packets;
    }

    public int Send(int port, params Packet[] packets) => this[port].TxQueues[0].Send(packets);

    public Packet[] Receive(int port, int atMost = 32, int queue = 0)
    {
        var burst = new Packet[atMost];
        return burst[..this[port].RxQueues[queue].Receive(burst)];
    }

    public void Dispose()
    {
        LcoreContext.Leave();
        _runtime.Dispose();
    }
}
