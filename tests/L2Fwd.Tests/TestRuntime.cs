using Dataplane;
using Dataplane.Eal;
using Dataplane.Memory;
using Dataplane.Ports;
using Dataplane.Vdev;

namespace L2Fwd.Tests;

/// <summary>Runtimes on ordinary pages, with ports of software.</summary>
internal static class TestRuntime
{
    public static DataplaneRuntime Create(params string[] vdevs) => Create(SoftwarePorts.All, vdevs);

    public static DataplaneRuntime Create(IEnumerable<IVdevDriver> drivers, params string[] vdevs)
    {
        var options = new EalOptions { Memory = new MemoryOptions { NoHuge = true }, Vdevs = vdevs };
        return DataplaneRuntime.Create(options, drivers);
    }

    /// <summary>Configures and starts all ports, from a pool of their own.</summary>
    public static void StartPorts(DataplaneRuntime runtime)
    {
        Mempool pool = runtime.CreateMempool(new MempoolOptions());
        foreach (Port port in runtime.Ports)
        {
            port.Configure(new PortConfiguration(pool));
            port.Start();
        }
    }
}
