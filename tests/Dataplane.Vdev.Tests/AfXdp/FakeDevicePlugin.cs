using System.Text;
using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vdev.AfXdp;
using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.AfXdp;

/// <summary>
/// Speaks the protocol of the AF_XDP device plugin as udsserver.go does: one connection, whose first request must name
/// the pod.
/// </summary>
internal sealed class FakeDevicePlugin : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly PeerListener _listener;
    private readonly Thread _thread;
    private readonly List<string> _requests = [];
    private volatile bool _stop;

    public FakeDevicePlugin()
    {
        Path = _folder["afxdp.sock"];
        _listener = new PeerListener("plugin", PeerAddress.File("plugin", Path), PeerSocketKind.Messages);
        _thread = new Thread(Serve) { IsBackground = true };
        _thread.Start();
    }

    public string Path { get; }

    /// <summary>What it says to the pod's name.</summary>
    public string HostAnswer { get; init; } = "/host_ok";

    public string Version { get; init; } = "0.1";

    /// <summary>The map of <see cref="Interface"/>; null: it has none.</summary>
    public SafeFileHandle? Map { get; init; }

    public string Interface { get; init; } = "dut";

    /// <summary>Which request it closes the connection at.</summary>
    public string? ClosesAt { get; init; }

    /// <summary>What it was asked.</summary>
    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_requests)
                return [.. _requests];
        }
    }

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
        _listener.Dispose();
        _folder.Dispose();
    }

    private static unsafe bool IsReady(SafeFileHandle handle)
    {
        var wait = new PollDescriptor { Fd = (int)handle.DangerousGetHandle(), Events = Libc.POLLIN };
        return Libc.Poll(&wait, 1, 20) == 1;
    }

    private void Serve()
    {
        PeerSocket? socket = null;
        while (socket is null && !_stop)
            socket = IsReady(_listener.Handle) ? _listener.TryAccept() : null;
        using (socket)
        {
            byte[] buffer = new byte[64];
            while (!_stop && socket is not null)
            {
                if (!IsReady(socket.Handle))
                    continue;
                using var descriptors = new ReceivedDescriptors(1, takesSockets: true);
                if (!socket.TryReceive(buffer, descriptors, out int length) || length == 0)
                    return;
                if (!Answer(socket, Encoding.UTF8.GetString(buffer, 0, length), descriptors.Count))
                    return;
            }
        }
    }

    private bool Answer(PeerSocket socket, string request, int descriptors)
    {
        lock (_requests)
            _requests.Add(request);
        string[] words = request.Split(',');
        if (words[0] == ClosesAt)
            return false;
        if (words[0] == "/xsk_map_fd" && words[1] == Interface && Map is not null)
            return socket.TrySend("/fd_ack"u8, Map);
        string answer = words switch
        {
            ["/connect", _] => HostAnswer,
            ["/version"] => Version,
            ["/xsk_map_fd", _] => "/fd_nak",
            ["/config_busy_poll", "20", "64"] when descriptors == 1 => "/config_busy_poll_ack",
            ["/config_busy_poll", ..] => "/config_busy_poll_nak",
            ["/fin"] => "/fin_ack",
            _ => "/nak",
        };
        return socket.TrySend(Encoding.UTF8.GetBytes(answer)) && answer is not ("/fin_ack" or "/host_nak");
    }
}
