using Dataplane.Vdev.Kernel;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// How the frames of an interface find the sockets of its queues: a program with its map, or somebody else's map. Ports
/// of one runtime on the same interface share it. Control plane only.
/// </summary>
internal sealed class Steering : IDisposable
{
    /// <summary>Queues of an interface that does not say how many it has.</summary>
    private const int UnknownQueues = 64;

    private readonly XdpProgram? _program;
    private readonly XdpAttachment? _attachment;
    private readonly SocketMap _map;
    private int _users = 1;

    private Steering(AfXdpOptions options, int interfaceIndex, XdpProgram program, XdpAttachment attachment)
    {
        Options = options;
        InterfaceIndex = interfaceIndex;
        _program = program;
        _attachment = attachment;
        _map = program.Map;
    }

    private Steering(AfXdpOptions options, int interfaceIndex, SocketMap map, DevicePlugin? plugin)
    {
        Options = options;
        InterfaceIndex = interfaceIndex;
        _map = map;
        Plugin = plugin;
    }

    /// <summary>The keys of the port that made it.</summary>
    public AfXdpOptions Options { get; }

    /// <summary>The interface.</summary>
    public int InterfaceIndex { get; }

    /// <summary>The device plugin, while it listens.</summary>
    public DevicePlugin? Plugin { get; private set; }

    /// <summary>Whether the program may write in front of a frame.</summary>
    public bool HasForeignProgram => _program?.IsForeign ?? true;

    /// <summary>Whether zero-copy cannot be, because the kernel runs the program, not the driver.</summary>
    public bool IsGeneric => _attachment?.IsGeneric ?? false;

    /// <summary>Loads and attaches, or gets the map.</summary>
    public static Steering Create(string device, KernelInterface iface, AfXdpOptions options, ILogger logger)
    {
        switch (options.Source)
        {
            case ProgramSource.PinnedMap:
                return new Steering(options, iface.Index, OpenPinned(device, options.Path), plugin: null);
            case ProgramSource.DevicePlugin:
                return Ask(device, iface, options);
        }

        int queues = Math.Max(iface.ReadQueueCount() ?? UnknownQueues, options.StartQueue + options.QueueCount);
        using var construction = new Construction();
        XdpProgram program = construction.Own(
            options.Source == ProgramSource.File
                ? XdpProgram.Open(device, options.Path, queues)
                : XdpProgram.LoadOwn(device, queues));
        var attachment = construction.Own(new XdpAttachment(device, iface, program, logger));
        construction.Complete();
        return new Steering(options, iface.Index, program, attachment);
    }

    /// <summary>One more port uses it.</summary>
    public Steering Share()
    {
        _users++;
        return this;
    }

    /// <summary>Lets frames of a queue go to a socket, until that is closed.</summary>
    public void Insert(XskSocket socket) => _map.Insert(socket);

    /// <summary>The plugin's work is done.</summary>
    public void LeavePlugin()
    {
        Plugin?.Dispose();
        Plugin = null;
    }

    /// <summary>Ends it with the last port that uses it.</summary>
    public void Dispose()
    {
        if (--_users != 0)
            return;
        LeavePlugin();
        _attachment?.Dispose();
        _program?.Dispose();
        _map.Dispose();
    }

    private static SocketMap OpenPinned(string device, string path)
    {
        SafeFileHandle handle = BpfCalls.OpenPinned(path);
        if (!handle.IsInvalid)
            return SocketMap.Take(device, handle, path);
        DataplaneException failure = SocketMap.Failed(device, $"open the pinned map {path}", Linux.Errno.Last);
        handle.Dispose();
        throw new DataplaneException(
            failure.Problem, failure.Remedy ?? "whoever loads the XDP program pins its map there; dp_path= names another place");
    }

    private static Steering Ask(string device, KernelInterface iface, AfXdpOptions options)
    {
        using var construction = new Construction();
        DevicePlugin plugin = construction.Own(DevicePlugin.Connect(device, options.Path));
        SocketMap map = SocketMap.Take(device, plugin.GetMap(iface.Name), $"the map of the device plugin at {options.Path}");
        construction.Complete();
        return new Steering(options, iface.Index, map, plugin);
    }
}
