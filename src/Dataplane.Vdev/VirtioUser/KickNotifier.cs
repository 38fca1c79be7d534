using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Virtio;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>Tells a back end that buffers are available: a write to the ring's eventfd.</summary>
internal readonly struct KickNotifier(EventFd kick) : IVirtqueueNotifier
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Notify(ushort position) => kick.Signal();
}
