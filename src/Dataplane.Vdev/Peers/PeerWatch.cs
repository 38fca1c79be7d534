using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Peers;

/// <summary>A descriptor that a <see cref="PeerLoop"/> watches.</summary>
internal sealed class PeerWatch(SafeFileHandle handle, Action ready)
{
    /// <summary>False once the loop watches it no more.</summary>
    public volatile bool IsActive = true;

    /// <summary>Whether its callback failed a moment ago and is left alone, so that it cannot fail without end.</summary>
    public volatile bool IsPaused;

    public SafeFileHandle Handle => handle;

    public Action Ready => ready;

    /// <summary>What poll shall wait for; nothing is a negative descriptor.</summary>
    public PollDescriptor ToPoll() => new()
    {
        Fd = IsPaused || handle.IsClosed ? -1 : (int)handle.DangerousGetHandle(),
        Events = Libc.POLLIN,
    };
}
