using System.Runtime.InteropServices;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Peers;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.VirtioUser;

/// <summary>A back end for tests that answers as it is told. The front end is in this process, so its addresses are ours.</summary>
internal sealed class ScriptedBackEnd : IDisposable
{
    private readonly PeerListener _listener;
    private VhostUserChannel? _channel;

    public ScriptedBackEnd(string path) =>
        _listener = new PeerListener("test", PeerAddress.File("test", path), PeerSocketKind.Stream);

    public VirtioFeatures Features { get; init; } =
        VirtioFeatures.Version1 | VirtioFeatures.UserProtocolFeatures | VirtioFeatures.NetMrgRxbuf;

    public VhostUserProtocolFeatures Protocol { get; init; } =
        VhostUserProtocolFeatures.Mq | VhostUserProtocolFeatures.ReplyAck | VhostUserProtocolFeatures.Status;

    /// <summary>What is not acknowledged with zero.</summary>
    public VhostUserRequest Refused { get; init; }

    /// <summary>What is answered as if it were something else.</summary>
    public VhostUserRequest Confused { get; init; }

    /// <summary>What is answered without the flag that makes it an answer.</summary>
    public VhostUserRequest Unflagged { get; init; }

    /// <summary>What the front end has sent, in order.</summary>
    public List<VhostUserRequest> Requests { get; } = [];

    /// <summary>Where rings are, by their number.</summary>
    public Dictionary<uint, VhostUserVringAddress> Rings { get; } = [];

    /// <summary>What the front end signals when there are buffers, by the number of the ring.</summary>
    public Dictionary<uint, SafeFileHandle> Kicks { get; } = [];

    /// <summary>Serves until something is so.</summary>
    public void ServeUntil(PeerRig rig, Func<bool> condition, string complaint) => rig.WaitUntil(
        () =>
        {
            Serve();
            return condition();
        },
        complaint);

    /// <summary>Answers what nobody has asked.</summary>
    public void Say(VhostUserRequest request) =>
        Assert.True(_channel!.TrySend(request, VhostUserHeader.Reply, stackalloc byte[sizeof(ulong)]));

    public void Dispose()
    {
        _channel?.Dispose();
        _listener.Dispose();
        foreach (SafeFileHandle kick in Kicks.Values)
            kick.Dispose();
    }

    private void Serve()
    {
        if (_channel is null && _listener.TryAccept() is { } socket)
            _channel = new VhostUserChannel(socket);
        while (_channel is not null)
        {
            VhostUserArrival arrival = _channel.TryReceive();
            if (arrival == VhostUserArrival.Nothing)
                return;
            if (arrival == VhostUserArrival.Message)
            {
                Handle(_channel);
                continue;
            }

            _channel.Dispose();
            _channel = null;
        }
    }

    private void Handle(VhostUserChannel channel)
    {
        VhostUserHeader header = channel.Header;
        Requests.Add(header.Request);
        switch (header.Request)
        {
            case VhostUserRequest.GetFeatures:
                Answer(channel, (ulong)Features);
                break;
            case VhostUserRequest.GetProtocolFeatures:
                Answer(channel, (ulong)Protocol);
                break;
            case VhostUserRequest.GetQueueNum:
                Answer(channel, 1UL);
                break;
            case VhostUserRequest.GetVringBase:
                Answer(channel, channel.Read<ulong>());
                break;
            default:
                if (header.Request == VhostUserRequest.SetVringAddr)
                {
                    VhostUserVringAddress ring = channel.Read<VhostUserVringAddress>();
                    Rings[ring.Index] = ring;
                }

                if (header.Request == VhostUserRequest.SetVringKick)
                    Kicks[(uint)channel.Read<ulong>()] = channel.Descriptors.Take(0);

                if ((header.Flags & VhostUserHeader.NeedReply) != 0)
                    Answer(channel, header.Request == Refused ? 1UL : 0UL);
                break;
        }
    }

    private void Answer(VhostUserChannel channel, ulong value)
    {
        VhostUserRequest request = channel.Header.Request;
        uint flags = request == Unflagged ? 0 : VhostUserHeader.Reply;
        VhostUserRequest named = request == Confused ? VhostUserRequest.GetStatus : request;
        _ = channel.TrySend(named, flags, MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(ref value)));
    }
}
