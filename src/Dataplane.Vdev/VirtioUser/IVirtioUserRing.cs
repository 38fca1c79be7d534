using Dataplane.Linux;
using Dataplane.Virtio;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>
/// A queue of the port as its session handles it. The queue lives as long as its configuration and is closed most of the
/// time; the ring in it is made anew for each run of a session, as the features say. By the control thread.
/// </summary>
internal interface IVirtioUserRing
{
    /// <summary>Number of the ring: 2 i receives, 2 i + 1 sends.</summary>
    uint RingIndex { get; }

    /// <summary>What the back end watches; another one for each ring that is made.</summary>
    EventFd Kick { get; }

    /// <summary>What the back end signals; the same for all sessions. Null: never.</summary>
    EventFd? Call { get; }

    /// <summary>Whether there is a ring.</summary>
    bool IsMade { get; }

    /// <summary>Descriptors.</summary>
    int Size { get; }

    /// <summary>Where it lies.</summary>
    VirtqueueAddresses Addresses { get; }

    /// <summary>What the back end said in it that cannot be.</summary>
    bool IsBroken { get; }

    /// <summary>Makes the ring, and posts buffers if it receives.</summary>
    /// <param name="features">What was negotiated.</param>
    void Make(VirtioFeatures features);

    /// <summary>Lets the lcore in and the back end look.</summary>
    void Open();

    /// <summary>Lets the lcore in no more.</summary>
    void Close();

    /// <summary>Closes, takes all buffers back and gives the ring up. The back end has let go of it.</summary>
    void End();
}
