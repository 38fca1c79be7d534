using System.Globalization;
using System.Text;
using Dataplane.Linux;
using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// The AF_XDP device plugin for Kubernetes, which loads the program in the pod's place and hands over its map: requests
/// and answers of text, one packet each, over a Unix socket that it puts into the pod.
/// </summary>
/// <remarks>
/// github.com/intel/afxdp-plugins-for-kubernetes, constants.go and udsserver.go: SOCK_SEQPACKET, 64 bytes a message,
/// descriptors as SCM_RIGHTS. It serves one connection for as long as no pause is longer than 30 s, and none after it.
/// </remarks>
internal sealed unsafe class DevicePlugin : IDisposable
{
    private const string Version = "0.1";
    private const int MessageSize = 64;

    /// <summary>Milliseconds; the plugin asks the kubelet before it answers.</summary>
    private const int Patience = 10_000;

    private readonly string _device;
    private readonly string _path;
    private readonly PeerSocket _socket;
    private bool _isClosed;

    private DevicePlugin(string device, string path, PeerSocket socket)
    {
        _device = device;
        _path = path;
        _socket = socket;
    }

    /// <summary>Connects and makes the pod known.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="path">The plugin's socket.</param>
    public static DevicePlugin Connect(string device, string path)
    {
        PeerSocket socket = PeerSocket.TryConnect(PeerAddress.File(device, path), PeerSocketKind.Messages, out string reason)
            ?? throw new DataplaneException(
                $"{device} cannot reach the AF_XDP device plugin: {reason}",
                "the plugin puts its socket there when the pod asks for its resource; dp_path= names another place");
        var plugin = new DevicePlugin(device, path, socket);
        try
        {
            plugin.Introduce();
            return plugin;
        }
        catch
        {
            plugin.Dispose();
            throw;
        }
    }

    /// <summary>Asks for the map of an interface's program.</summary>
    public SafeFileHandle GetMap(string iface)
    {
        using var descriptors = new ReceivedDescriptors(capacity: 1);
        string answer = Ask($"/xsk_map_fd,{iface}", descriptors);
        return answer == "/fd_ack" && descriptors.Count == 1
            ? descriptors.Take(0)
            : throw Refused(
                $"has no map for {iface} ('{answer}')", $"the pod must be given {iface} by the plugin: see its pool of devices");
    }

    /// <summary>Has the plugin, which has the privilege, let a socket be polled.</summary>
    /// <returns>False if it refuses, or has closed the connection.</returns>
    public bool TryBusyPoll(XskSocket socket, int microseconds, int budget)
    {
        try
        {
            using var descriptors = new ReceivedDescriptors(capacity: 0);
            string request = string.Create(CultureInfo.InvariantCulture, $"/config_busy_poll,{microseconds},{budget}");
            return Ask(request, descriptors, socket.Handle) == "/config_busy_poll_ack";
        }
        catch (DataplaneException)
        {
            return false;
        }
    }

    /// <summary>Takes leave.</summary>
    public void Dispose()
    {
        try
        {
            if (!_isClosed)
                Ask("/fin");
        }
        catch (DataplaneException)
        {
            // It has gone first.
        }

        _socket.Dispose();
    }

    private void Introduce()
    {
        string host = Environment.MachineName;
        string answer = Ask($"/connect,{host}");
        if (answer != "/host_ok")
        {
            throw Refused(
                $"does not know the pod '{host}' ('{answer}')",
                "it knows pods by their host name: leave hostname and hostNetwork out of the pod's manifest, and ask for its resource");
        }

        string version = Ask("/version");
        if (version != Version)
            throw Refused($"speaks version '{version}' of its protocol, this program speaks {Version}");
    }

    private DataplaneException Refused(string what, string? remedy = null) =>
        new($"{_device}: the AF_XDP device plugin at {_path} {what}", remedy);

    private string Ask(string request)
    {
        using var descriptors = new ReceivedDescriptors(capacity: 0);
        return Ask(request, descriptors);
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    private string Ask(string request, ReceivedDescriptors received, params ReadOnlySpan<SafeFileHandle> sent)
    {
        byte[] text = Encoding.UTF8.GetBytes(request);
        if (text.Length > MessageSize)
            throw Refused($"takes no request as long as '{request}'");
        try
        {
            byte[] answer = new byte[MessageSize];
            int length = 0;
            _isClosed = !_socket.TrySend(text, sent)
                || !IsAnswered()
                || !_socket.TryReceive(answer, received, out length)
                || length == 0;
            return _isClosed
                ? throw Refused($"does not answer '{request}'", "it waits 30 s for a request at most: raise its udsTimeout")
                : Encoding.UTF8.GetString(answer, 0, length).TrimEnd('\0');
        }
        catch (PeerViolationException violation)
        {
            _isClosed = true;
            throw Refused(violation.Message);
        }
    }

    private bool IsAnswered()
    {
        var wait = new PollDescriptor { Fd = (int)_socket.Handle.DangerousGetHandle(), Events = Libc.POLLIN };
        return Libc.Poll(&wait, 1, Patience) == 1;
    }
}
