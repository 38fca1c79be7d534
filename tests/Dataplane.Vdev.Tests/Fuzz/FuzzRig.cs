using System.Diagnostics;
using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>
/// The port that is attacked and, in the same runtime, two ports that are connected to each other; a lcore that polls all
/// of them; and what must be true whatever happened.
/// </summary>
internal sealed class FuzzRig : IDisposable
{
    /// <summary>Names of the memory of the runtime (DataplaneMemory), of memif clients and of .NET.</summary>
    private static readonly string[] OwnMemory = ["rte", "memif-net", "doublemapper", "dotnet"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TemporaryFolder _folder;
    private readonly DataplaneRuntime _runtime;
    private readonly Mempool _pool;
    private readonly FuzzLcore _lcore;
    private ulong _forwarded;
    private int _descriptors = -1;

    /// <param name="seed">Of what the lcore does.</param>
    /// <param name="folder">Where sockets are; this object's from now on.</param>
    /// <param name="interrupts">Whether the lcore sleeps now and then until the attacked ports have frames.</param>
    /// <param name="vdevs">The attacked ports.</param>
    public FuzzRig(int seed, TemporaryFolder folder, bool interrupts, params string[] vdevs)
    {
        _folder = folder;
        string bystanders = $"socket={folder["others.sock"]},socket-abstract=no,id=7";
        _runtime = DataplaneRuntime.Create(
            new EalOptions
            {
                Vdevs = [$"net_memif100,role=server,{bystanders}", $"net_memif101,role=client,{bystanders}", .. vdevs],
                Memory = new MemoryOptions { NoHuge = true },
                Lcores = new LcoreOptions { Assignments = [new LcoreAssignment(0, AllowedCpus.OfThisProcess())] },
            },
            SoftwarePorts.All,
            Log);
        _pool = _runtime.CreateMempool(new MempoolOptions { Count = 8192, CacheSize = 0 });
        for (int i = 0; i < _runtime.Ports.Count; i++)
        {
            Port port = _runtime.Ports[i];
            port.Configure(new PortConfiguration(_pool) { RxQueues = 1, TxQueues = 1, RxInterrupts = interrupts && i >= 2 });
            port.Start();
        }

        Attacked = [.. _runtime.Ports.Skip(2)];
        WaitUntil(() => _runtime.Ports[0].GetLink().IsUp && _runtime.Ports[1].GetLink().IsUp, "the ports that nobody attacks do not connect");
        _lcore = new FuzzLcore(seed, _pool, _runtime.Ports[0], _runtime.Ports[1], Attacked, interrupts);
    }

    public FuzzLogger Log { get; } = new();

    public DataplaneRuntime Runtime => _runtime;

    public IReadOnlyList<Port> Attacked { get; }

    /// <summary>Frames that came from the attacked ports.</summary>
    public ulong Received => _lcore.Received;

    /// <summary>Throws if something has happened that ends no connection.</summary>
    public void Check()
    {
        Require(Log.Error is null, $"an exception that ended no connection: {Log.Error}");
        Require(_lcore.Failure is null, $"the lcore: {_lcore.Failure}");
    }

    /// <summary>When no peer is connected: nothing of them is here, nothing of ours is lost, and the others went on.</summary>
    public void CheckNothingStays()
    {
        Check();
        WaitUntil(() => Attacked.All(port => !port.GetLink().IsUp), "a link is up without a peer");
        WaitUntil(() => _lcore.Forwarded > _forwarded, "the ports that nobody attacks forward nothing any more");
        _lcore.Pause(() =>
        {
            WaitUntil(() => _pool.Statistics.InUse == 0, "mbufs are lost");
            WaitUntil(() => !HasPeerMemory(), "memory of a peer is still mapped");
            // Those of a socket that waits to be accepted are here for a moment.
            if (_descriptors < 0)
                _descriptors = ListDescriptors().Length;
            WaitUntil(() => ListDescriptors().Length <= _descriptors, $"there are more than {_descriptors} descriptors");
        });
        _forwarded = _lcore.Forwarded;
        Check();
    }

    public void WaitUntil(Func<bool> condition, string complaint)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
                Require(false, $"{complaint} ({_pool.Statistics.InUse} mbufs, descriptors {string.Join(", ", ListDescriptors().CountBy(target => target))})");
            Thread.Sleep(1);
        }
    }

    public void Dispose()
    {
        _lcore.Dispose();
        _runtime.Dispose();
        _folder.Dispose();
    }

    /// <summary>What the runtime opens for itself when it feels like it does not count.</summary>
    private static string[] ListDescriptors() =>
    [
        .. Directory.GetFiles("/proc/self/fd")
            .Select(file => new FileInfo(file).LinkTarget ?? "")
            .Where(target => !target.StartsWith("pipe:", StringComparison.Ordinal) && !target.EndsWith(".dll", StringComparison.Ordinal)),
    ];

    /// <summary>Memory that came as a file and is not our own.</summary>
    private static bool HasPeerMemory() => File.ReadLines("/proc/self/maps").Any(static line =>
        line.Contains("/memfd:", StringComparison.Ordinal)
        && !Array.Exists(OwnMemory, name => line.Contains($"/memfd:{name}", StringComparison.Ordinal)));

    private void Require(bool condition, string complaint)
    {
        if (!condition)
            throw new InvalidOperationException($"{Log.Last}\n{complaint}");
    }
}
