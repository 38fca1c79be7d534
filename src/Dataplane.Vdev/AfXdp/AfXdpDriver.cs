using Dataplane.Eal;
using Dataplane.Ports;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// <c>net_af_xdp</c>: a port on queues of a network interface of the kernel, through AF_XDP sockets. Frames arrive in
/// the buffers of the mempool and leave from there; no library is needed for it, neither libbpf nor libxdp.
/// </summary>
public sealed class AfXdpDriver : IVdevDriver
{
    /// <summary>As many as a map of sockets is made for; any interface has fewer.</summary>
    private const int MaxQueues = 1024;

    /// <summary>Packets of a round of busy polling; DPDK's.</summary>
    private const int DefaultBudget = 64;

    /// <inheritdoc/>
    public string Name => "net_af_xdp";

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new("iface", "the network interface (required)"),
        new("start_queue", "the first queue of the interface (0)"),
        new("queue_count", "most receive and transmit queues (1)"),
        new("shared_umem", "1: share the registered memory with other ports that have this key (0)"),
        new("xdp_prog", "a program of one's own, with a map xsks_map: an object file, or where it is pinned"),
        new("busy_budget", "packets of a round of busy polling; 0: none (64)"),
        new("force_copy", "1: let the kernel copy, whatever the interface can (0)"),
        new("use_cni", "1: get the map from the AF_XDP device plugin's socket, load no program (0)"),
        new("use_pinned_map", "1: get the map from where it is pinned, load no program (0)"),
        new("dp_path", "the device plugin's socket, or the pinned map (/tmp/afxdp_dp/IFACE/afxdp.sock or xsks_map)"),
    ];

    /// <inheritdoc/>
    public Port Create(PortContext context, Devargs arguments)
    {
        string iface = arguments.Get("iface")
            ?? throw new CommandLineException(
                $"The device '{arguments.Name}' needs a network interface",
                $"write --vdev={arguments.Name},iface=eth0");
        int start = arguments.GetInt32("start_queue", 0, 0, MaxQueues - 1);
        return AfXdpPort.Open(context, new AfXdpOptions(iface)
        {
            StartQueue = start,
            QueueCount = arguments.GetInt32("queue_count", 1, 1, MaxQueues - start),
            SharedUmem = arguments.GetBoolean("shared_umem"),
            BusyBudget = arguments.GetInt32("busy_budget", DefaultBudget, 0, ushort.MaxValue),
            ForceCopy = arguments.GetBoolean("force_copy"),
            Source = ReadSource(arguments),
            Path = ReadPath(arguments, iface),
        });
    }

    private static ProgramSource ReadSource(Devargs arguments)
    {
        List<(string Key, ProgramSource Source)> given = [];
        if (arguments.Has("xdp_prog"))
            given.Add(("xdp_prog", ProgramSource.File));
        if (arguments.GetBoolean("use_cni"))
            given.Add(("use_cni", ProgramSource.DevicePlugin));
        if (arguments.GetBoolean("use_pinned_map"))
            given.Add(("use_pinned_map", ProgramSource.PinnedMap));
        return given.Count switch
        {
            0 => ProgramSource.Own,
            1 => given[0].Source,
            _ => throw new CommandLineException(
                $"'{given[0].Key}' and '{given[1].Key}' of the device '{arguments.Name}' exclude each other", "leave one out"),
        };
    }

    private static string ReadPath(Devargs arguments, string iface)
    {
        ProgramSource source = ReadSource(arguments);
        string? path = arguments.Get("dp_path");
        if (path is not null && source is not (ProgramSource.DevicePlugin or ProgramSource.PinnedMap))
        {
            throw new CommandLineException(
                $"'dp_path' of the device '{arguments.Name}' means nothing alone", "add use_cni=1 or use_pinned_map=1");
        }

        return source switch
        {
            ProgramSource.File => arguments.Get("xdp_prog")!,
            ProgramSource.DevicePlugin => path ?? $"/tmp/afxdp_dp/{iface}/afxdp.sock",
            ProgramSource.PinnedMap => path ?? $"/tmp/afxdp_dp/{iface}/xsks_map",
            _ => "",
        };
    }
}
