namespace Dataplane.Ports;

/// <summary>Where a port is in its life.</summary>
public enum PortState
{
    /// <summary>Made by its driver; has no queues yet.</summary>
    Created,

    /// <summary>Has queues, moves no packets.</summary>
    Stopped,

    /// <summary>Moves packets.</summary>
    Started,

    /// <summary>Given back; not usable any more.</summary>
    Closed,
}
