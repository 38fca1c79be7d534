using Dataplane.Eal;
using Dataplane.Memory;
using Dataplane.Ports;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane;

/// <summary>
/// A running dataplane: its memory and its ports. It is an object like any other: a process may have several, and
/// disposing it gives everything back. All members belong to the control plane.
/// </summary>
public sealed class DataplaneRuntime : IDisposable
{
    private readonly ILoggerFactory _loggers;
    private readonly List<Port> _ports = [];
    private readonly List<Mempool> _pools = [];
    private bool _disposed;

    private DataplaneRuntime(EalOptions options, ILoggerFactory loggers)
    {
        Options = options;
        _loggers = loggers;
        Memory = DataplaneMemory.Create(options.Memory, loggers.CreateLogger("EAL"));
    }

    /// <summary>What the runtime was started with.</summary>
    public EalOptions Options { get; }

    /// <summary>Memory that devices and peers can reach.</summary>
    public DataplaneMemory Memory { get; }

    /// <summary>The ports, by their ids.</summary>
    public IReadOnlyList<Port> Ports => _ports;

    /// <summary>The mempools made by <see cref="CreateMempool"/>.</summary>
    public IReadOnlyList<Mempool> Mempools => _pools;

    /// <summary>Starts a dataplane: reserves memory and makes the ports that the options name.</summary>
    /// <param name="options">What to start with.</param>
    /// <param name="drivers">The drivers of software ports that may be used.</param>
    /// <param name="loggers">Where notices go; null for nowhere.</param>
    /// <exception cref="DataplaneException">The system or the options do not allow it; nothing stays behind.</exception>
    public static DataplaneRuntime Create(EalOptions options, IEnumerable<IVdevDriver> drivers, ILoggerFactory? loggers = null)
    {
        Linux.Shim.Check();
        var registry = new DriverRegistry(drivers);
        // Arguments are checked before anything is reserved.
        var devices = options.Vdevs.Select(Devargs.Parse).Select(arguments => (arguments, driver: registry.FindVdev(arguments))).ToList();
        if (devices.GroupBy(device => device.arguments.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new DataplaneException($"The device '{twice.Key}' is given {twice.Count()} times with --vdev", "number them, such as net_null0 and net_null1");

        var runtime = new DataplaneRuntime(options, loggers ?? NullLoggerFactory.Instance);
        try
        {
            foreach ((Devargs arguments, IVdevDriver driver) in devices)
                runtime.AddPort(driver, arguments);
            return runtime;
        }
        catch
        {
            runtime.Dispose();
            throw;
        }
    }

    /// <summary>Makes a mempool whose per-lcore caches are those of this runtime; it is disposed with the runtime.</summary>
    public Mempool CreateMempool(MempoolOptions options)
    {
        var pool = new Mempool(Memory, options, Lcores.LcoreContext.MaxLcores);
        _pools.Add(pool);
        return pool;
    }

    /// <summary>Closes the ports, then gives the memory back. No lcore may run any more.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        foreach (Port port in _ports)
            port.Dispose();
        foreach (Mempool pool in _pools)
            pool.Dispose();
        Memory.Dispose();
    }

    private void AddPort(IVdevDriver driver, Devargs arguments)
    {
        var context = new PortContext
        {
            Id = _ports.Count,
            Name = arguments.Name,
            DriverName = driver.Name,
            Memory = Memory,
            Logger = _loggers.CreateLogger(driver.Name),
            Ports = _ports,
        };
        _ports.Add(driver.Create(context, arguments));
    }
}
