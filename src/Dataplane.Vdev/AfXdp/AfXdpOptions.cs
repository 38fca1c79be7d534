namespace Dataplane.Vdev.AfXdp;

/// <summary>Who steers frames into the sockets.</summary>
internal enum ProgramSource
{
    /// <summary>The port's own program.</summary>
    Own,

    /// <summary>A program of the user's, which the port loads or finds pinned.</summary>
    File,

    /// <summary>The program of the AF_XDP device plugin, which hands over its map.</summary>
    DevicePlugin,

    /// <summary>A program of somebody else's, whose map is pinned.</summary>
    PinnedMap,
}

/// <summary>The keys of an af_xdp device.</summary>
/// <param name="Interface">Its network interface.</param>
internal sealed record AfXdpOptions(string Interface)
{
    /// <summary>The first queue of the interface.</summary>
    public int StartQueue { get; init; }

    /// <summary>Most queues.</summary>
    public int QueueCount { get; init; } = 1;

    /// <summary>Whether the memory is registered once for several ports.</summary>
    public bool SharedUmem { get; init; }

    /// <summary>Packets of a round of busy polling; 0 for none.</summary>
    public int BusyBudget { get; init; }

    /// <summary>Whether zero-copy is not tried.</summary>
    public bool ForceCopy { get; init; }

    /// <summary>Who steers frames into the sockets.</summary>
    public ProgramSource Source { get; init; }

    /// <summary>The program, the socket or the map of that source.</summary>
    public string Path { get; init; } = "";
}
