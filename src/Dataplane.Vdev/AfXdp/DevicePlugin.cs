using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Dataplane.Linux;
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
    private readonly Socket _socket;

    private DevicePlugin(string device, string path, Socket socket)
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
        var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified)
        {
            ReceiveTimeout = Patience,
            SendTimeout = Patience,
        };
        var plugin = new DevicePlugin(device, path, socket);
        try
        {
            plugin.Open();
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
        string answer = Ask($"/xsk_map_fd,{iface}", out SafeFileHandle? map);
        if (answer == "/fd_ack" && map is not null)
            return map;
        map?.Dispose();
        throw Refused($"has no map for {iface} ('{answer}')", $"the pod must be given {iface} by the plugin: see its pool of devices");
    }

    /// <summary>Has the plugin, which has the privilege, let a socket be polled.</summary>
    /// <returns>False if it refuses, or has closed the connection.</returns>
    public bool TryBusyPoll(XskSocket socket, int microseconds, int budget)
    {
        try
        {
            string request = string.Create(CultureInfo.InvariantCulture, $"/config_busy_poll,{microseconds},{budget}");
            return Ask(request, out SafeFileHandle? none, socket.Fd) == "/config_busy_poll_ack" && none is null;
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
            if (_socket.Connected)
                Ask("/fin", out _);
        }
        catch (DataplaneException)
        {
            // It has gone first.
        }

        _socket.Dispose();
    }

    private void Open()
    {
        try
        {
            _socket.Connect(new UnixDomainSocketEndPoint(_path));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            throw new DataplaneException(
                $"{_device} cannot reach the AF_XDP device plugin at {_path}: {e.Message}",
                "the plugin puts its socket there when the pod asks for its resource; dp_path= names another place",
                e);
        }

        string host = Environment.MachineName;
        string answer = Ask($"/connect,{host}", out _);
        if (answer != "/host_ok")
        {
            throw Refused(
                $"does not know the pod '{host}' ('{answer}')",
                "it knows pods by their host name: leave hostname and hostNetwork out of the pod's manifest, and ask for its resource");
        }

        string version = Ask("/version", out _);
        if (version != Version)
            throw Refused($"speaks version '{version}' of its protocol, this program speaks {Version}", null);
    }

    private DataplaneException Refused(string what, string? remedy) =>
        new($"{_device}: the AF_XDP device plugin at {_path} {what}", remedy);

    /// <summary>Sends a request and waits for its answer.</summary>
    private string Ask(string request, out SafeFileHandle? received, int descriptor = -1)
    {
        Send(request, descriptor);
        var wait = new PollDescriptor { Fd = (int)_socket.Handle, Events = Libc.POLLIN };
        if (Libc.Poll(&wait, 1, Patience) != 1)
            throw Refused($"does not answer '{request}' within {Patience / 1000} s", null);

        byte* text = stackalloc byte[MessageSize];
        var control = default(DescriptorMessage);
        var vector = new IoVector { Base = text, Length = MessageSize };
        var message = new MessageHeader
        {
            Vectors = &vector,
            VectorCount = 1,
            Control = &control,
            ControlLength = (nuint)sizeof(DescriptorMessage),
        };
        int length = (int)Libc.RecvMsg(wait.Fd, &message, DescriptorMessage.CloseOnExec);
        bool hasDescriptor = message.ControlLength >= DescriptorMessage.Length && control.IsDescriptor;
        received = hasDescriptor ? new SafeFileHandle(control.Descriptor, ownsHandle: true) : null;
        return length > 0
            ? Encoding.UTF8.GetString(text, length).TrimEnd('\0')
            : throw Refused($"closed the connection at '{request}'", "it waits 30 s at most: raise udsTimeout in its configuration");
    }

    private void Send(string request, int descriptor)
    {
        byte[] text = Encoding.UTF8.GetBytes(request);
        if (text.Length > MessageSize)
            throw Refused($"takes no request as long as '{request}'", null);
        fixed (byte* start = text)
        {
            DescriptorMessage control = DescriptorMessage.Of(descriptor);
            var vector = new IoVector { Base = start, Length = (nuint)text.Length };
            var message = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = descriptor < 0 ? null : &control,
                ControlLength = descriptor < 0 ? 0 : (nuint)sizeof(DescriptorMessage),
            };
            if (Libc.SendMsg((int)_socket.Handle, &message, DescriptorMessage.NoSignal) < 0)
                throw Refused($"cannot be sent '{request}': {Errno.DescribeLast()}", null);
        }
    }

    /// <summary>A control message with one descriptor: struct cmsghdr of cmsg(3), SCM_RIGHTS of unix(7).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 24)]
    private struct DescriptorMessage
    {
        /// <summary>MSG_CMSG_CLOEXEC and MSG_NOSIGNAL of sys/socket.h.</summary>
        public const int CloseOnExec = 0x40000000;
        public const int NoSignal = 0x4000;

        /// <summary>Bytes that count: the header and the descriptor.</summary>
        public const nuint Length = 20;

        private const int Rights = 1;

        [FieldOffset(0)] private nuint _length;
        [FieldOffset(8)] private int _level;
        [FieldOffset(12)] private int _type;
        [FieldOffset(16)] public int Descriptor;

        public readonly bool IsDescriptor => _length == Length && _level == SocketNumbers.SOL_SOCKET && _type == Rights;

        public static DescriptorMessage Of(int descriptor) =>
            new() { _length = Length, _level = SocketNumbers.SOL_SOCKET, _type = Rights, Descriptor = descriptor };
    }
}
