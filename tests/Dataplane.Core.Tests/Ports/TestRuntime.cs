using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Ports;

namespace Dataplane.Core.Tests.Ports;

/// <summary>A runtime with ports of a <see cref="TestDriver"/>, on ordinary memory and one lcore that may run anywhere.</summary>
internal sealed class TestRuntime : IDisposable
{
    public TestRuntime(params string[] vdevs)
        : this(new TestDriver(), vdevs)
    {
    }

    public TestRuntime(TestDriver driver, params string[] vdevs)
    {
        Driver = driver;
        Runtime = DataplaneRuntime.Create(Options(vdevs.Length == 0 ? ["net_test0"] : vdevs), [driver]);
    }

    public TestDriver Driver { get; }

    public DataplaneRuntime Runtime { get; }

    public TestPort Port => (TestPort)Runtime.Ports[0];

    public List<string> Calls => Driver.Calls;

    public static EalOptions Options(params string[] vdevs) => new()
    {
        Vdevs = vdevs,
        Memory = new MemoryOptions { NoHuge = true },
        Lcores = new LcoreOptions { Assignments = [new LcoreAssignment(0, AllowedCpus.OfThisProcess())] },
    };

    public PortConfiguration Configuration(int rxQueues = 1, int txQueues = 1)
    {
        Mempool pool = Runtime.Mempools.Count != 0
            ? Runtime.Mempools[0]
            : Runtime.CreateMempool(new MempoolOptions { Count = 16, CacheSize = 0, DataRoom = 64 });
        return new PortConfiguration(pool) { RxQueues = rxQueues, TxQueues = txQueues };
    }

    public void Dispose() => Runtime.Dispose();
}
