using Dataplane.Linux;
using Dataplane.Vdev.Kernel;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfXdp;

/// <summary>A map of AF_XDP sockets by queue (XSKMAP), by which a program finds them. A socket that is closed leaves it.</summary>
internal sealed unsafe class SocketMap : IDisposable
{
    /// <summary>As every program that is written for AF_XDP calls it, since libbpf's did.</summary>
    public const string Name = "xsks_map";

    private readonly string _device;

    private SocketMap(string device, SafeFileHandle handle)
    {
        _device = device;
        Handle = handle;
    }

    /// <summary>The map, which this object owns.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Makes a map.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="queues">Entries.</param>
    public static SocketMap Create(string device, int queues)
    {
        SafeFileHandle handle = BpfCalls.CreateSocketMap(Name, queues);
        if (!handle.IsInvalid)
            return new SocketMap(device, handle);
        int error = Errno.Last;
        handle.Dispose();
        throw Failed(device, "make a map of sockets (XSKMAP)", error);
    }

    /// <summary>Takes a map of somebody else's, if it is one of sockets.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="handle">The map; disposed if it is refused.</param>
    /// <param name="origin">Where it is from, for messages.</param>
    public static SocketMap Take(string device, SafeFileHandle handle, string origin)
    {
        if (!BpfCalls.TryDescribe(handle, out BpfMapInfo info) || info.Type != Bpf.BPF_MAP_TYPE_XSKMAP)
        {
            handle.Dispose();
            throw new DataplaneException(
                $"{device} cannot use {origin}: it is no map of AF_XDP sockets (XSKMAP)", "name the map that the XDP program redirects to");
        }

        return new SocketMap(device, handle);
    }

    /// <summary>Lets frames of a queue go to a socket.</summary>
    public void Insert(XskSocket socket)
    {
        int error = BpfCalls.Update(Handle, (uint)socket.Queue, socket.Fd);
        if (error != 0)
            throw Failed(_device, $"steer queue {socket.Queue} to its socket (XSKMAP)", error);
    }

    public void Dispose() => Handle.Dispose();

    /// <summary>The error of a call of bpf(2).</summary>
    public static DataplaneException Failed(string device, string action, int error)
    {
        string problem = $"{device} cannot {action}: {Errno.Describe(error)}";
        // Maps count as locked memory before Linux 5.11, and the kernel says EPERM when there is too much of it.
        return new DataplaneException(problem, error is Errno.EPERM or Errno.EACCES ? Privileges : null);
    }

    private static string Privileges =>
        "run as root, or give the container CAP_BPF and CAP_NET_ADMIN (before Linux 5.8 CAP_SYS_ADMIN; before 5.11 also a higher 'ulimit -l'): "
        + "securityContext.capabilities.add: [\"BPF\", \"NET_ADMIN\", \"NET_RAW\", \"IPC_LOCK\"]";
}
