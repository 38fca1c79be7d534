using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Ports;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane;

/// <summary>
/// A running dataplane: its memory, its lcores and its ports. It is an object like any other: a process may have several, and
/// disposing it gives everything back. All members belong to the control plane.
/// </summary>
public sealed class DataplaneRuntime : IDisposable
{
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly List<Port> _ports = [];
    private readonly List<Mempool> _pools = [];
    private readonly IReadOnlyList<IBusSession> _buses;
    private bool _disposed;

    private DataplaneRuntime(EalOptions options, IReadOnlyList<IBusSession> buses, ILoggerFactory loggers)
    {
        Options = options;
        _buses = buses;
        _loggers = loggers;
        _logger = loggers.CreateLogger("EAL");
        Memory = DataplaneMemory.Create(options.Memory with { IovaMode = ChooseIovaMode(options, buses) }, _logger);
        try
        {
            Lcores = LcoreSet.Create(options.Lcores, Memory.Identity, _logger);
            _logger.LogInformation("Detected CPU lcores: {Count}", Lcores.Topology.Online.Count);
            _logger.LogInformation("Detected NUMA nodes: {Count}", Lcores.Topology.NodeCount);
            _logger.LogInformation("Selected IOVA mode '{Mode}'", Memory.IovaMode == IovaMode.Pa ? "PA" : "VA");
        }
        catch
        {
            Memory.Dispose();
            throw;
        }
    }

    /// <summary>What the runtime was started with.</summary>
    public EalOptions Options { get; }

    /// <summary>Memory that devices and peers can reach.</summary>
    public DataplaneMemory Memory { get; }

    /// <summary>The lcores. They are asked to stop, and waited for, when the runtime is disposed.</summary>
    public LcoreSet Lcores { get; }

    /// <summary>The ports, by their ids.</summary>
    public IReadOnlyList<Port> Ports => _ports;

    /// <summary>The mempools made by <see cref="CreateMempool"/>.</summary>
    public IReadOnlyList<Mempool> Mempools => _pools;

    /// <summary>Starts a dataplane: reserves memory and makes the ports that the options name.</summary>
    /// <param name="options">What to start with.</param>
    /// <param name="drivers">The drivers of software ports, and the buses, that may be used.</param>
    /// <param name="loggers">Where notices go; null for nowhere.</param>
    /// <exception cref="DataplaneException">The system or the options do not allow it; nothing stays behind.</exception>
    public static DataplaneRuntime Create(EalOptions options, IEnumerable<IPortSource> drivers, ILoggerFactory? loggers = null)
    {
        Linux.Shim.Check();
        var registry = new DriverRegistry(drivers);
        // Arguments are checked before anything is reserved.
        var devices = options.Vdevs.Select(Devargs.Parse).Select(arguments => (arguments, driver: registry.FindVdev(arguments))).ToList();
        if (devices.GroupBy(device => device.arguments.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new CommandLineException($"The device '{twice.Key}' is given {twice.Count()} times with --vdev", "number them, such as net_null0 and net_null1");

        loggers ??= NullLoggerFactory.Instance;
        List<IBusSession> buses = Scan(registry, options, loggers);
        DataplaneRuntime runtime;
        try
        {
            runtime = new DataplaneRuntime(options, buses, loggers);
        }
        catch
        {
            Disposal.All(buses);
            throw;
        }

        try
        {
            // As in DPDK, the devices of buses are the first ports, whatever the order of the options.
            foreach (IBusSession bus in buses)
            {
                foreach (BusDevice device in bus.Devices)
                    runtime.AddPort(device.Name, device.DriverName, device.NumaNode, context => bus.CreatePort(device, context));
            }

            foreach ((Devargs arguments, IVdevDriver driver) in devices)
                runtime.AddPort(arguments.Name, driver.Name, numaNode: -1, context => driver.Create(context, arguments));
            return runtime;
        }
        catch
        {
            runtime.Dispose();
            throw;
        }
    }

    /// <summary>Starts a dataplane with DPDK's command line.</summary>
    /// <param name="arguments">EAL options; what follows <c>--</c> is the program's and ignored here.</param>
    /// <param name="drivers">The drivers of software ports, and the buses, that may be used.</param>
    /// <param name="loggers">Where notices go; null for nowhere.</param>
    /// <exception cref="DataplaneException">The system or the options do not allow it; nothing stays behind.</exception>
    public static DataplaneRuntime Create(
        IReadOnlyList<string> arguments, IEnumerable<IPortSource> drivers, ILoggerFactory? loggers = null)
    {
        EalCommand command = EalCommandLine.Parse(arguments);
        if (command.HelpRequested || command.LogLevelHelpRequested)
        {
            throw new CommandLineException(
                "The command line asks for help, but this only starts a dataplane",
                $"programs that offer help parse with {nameof(EalCommandLine)} first and print its {nameof(EalCommandLine.Help)}");
        }

        ILogger logger = (loggers ??= NullLoggerFactory.Instance).CreateLogger("EAL");
        foreach (string notice in command.Notices)
            logger.LogWarning("{Notice}", notice);
        return Create(command.Options, drivers, loggers);
    }

    /// <summary>
    /// Configures and starts every port with one queue per direction, fed from one mempool that is large enough for all:
    /// the short way for programs that need nothing special.
    /// </summary>
    /// <returns><see cref="Ports"/>.</returns>
    /// <exception cref="DataplaneException">A device refused, or there is not enough memory.</exception>
    public IReadOnlyList<Port> StartPorts()
    {
        Mempool pool = CreateMempool(MempoolOptions.ForPorts(_ports.Count, Lcores.Lcores.Count));
        foreach (Port port in _ports)
        {
            port.Configure(new PortConfiguration(pool));
            port.Start();
        }

        return _ports;
    }

    /// <summary>Makes a mempool whose per-lcore caches are those of this runtime; it is disposed with the runtime.</summary>
    public Mempool CreateMempool(MempoolOptions options)
    {
        var pool = new Mempool(Memory, options, Lcores.Lcores.Count);
        _pools.Add(pool);
        return pool;
    }

    /// <summary>Warns if a port is on another NUMA node than the lcore that is to poll it: every packet would cross.</summary>
    public void WarnOfDistance(Port port, Lcore lcore)
    {
        if (SharedCores.CrossNode(port.Name, port.NumaNode, lcore, Lcores.Topology) is { } warning)
            _logger.LogWarning("{Warning}", warning);
    }

    /// <summary>Waits for the lcores, closes the ports, then gives the memory back.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Disposal.All([Lcores, .. _ports, .. _buses, .. _pools, Memory]);
    }

    private static List<IBusSession> Scan(DriverRegistry registry, EalOptions options, ILoggerFactory loggers)
    {
        if (registry.Buses.Count == 0)
        {
            foreach (string device in options.AllowedDevices)
                loggers.CreateLogger("EAL").LogWarning("The device {Device} is not used: this program brings no PCI drivers", device);
        }

        var sessions = new List<IBusSession>();
        try
        {
            foreach (IBus bus in registry.Buses)
                sessions.Add(bus.Scan(options, loggers));
            return sessions;
        }
        catch
        {
            Disposal.All(sessions);
            throw;
        }
    }

    /// <summary>What the user says, else what the devices need, else virtual addresses.</summary>
    private static IovaMode? ChooseIovaMode(EalOptions options, IReadOnlyList<IBusSession> buses) =>
        options.Memory.IovaMode ?? buses.Select(bus => bus.RequiredIovaMode).FirstOrDefault(mode => mode is not null);

    private void AddPort(string name, string driverName, int numaNode, Func<PortContext, Port?> create)
    {
        var context = new PortContext
        {
            Id = _ports.Count,
            Name = name,
            DriverName = driverName,
            NumaNode = numaNode,
            Memory = Memory,
            Logger = _loggers.CreateLogger(driverName),
            Ports = _ports,
        };
        if (create(context) is { } port)
            _ports.Add(port);
    }
}
