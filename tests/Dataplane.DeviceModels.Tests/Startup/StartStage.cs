namespace Dataplane.DeviceModels.Tests.Startup;

/// <summary>What a program that starts has behind it, in this order.</summary>
internal enum StartStage
{
    /// <summary>The .NET runtime runs it.</summary>
    Main,

    /// <summary>The runtime of the dataplane has its memory and its lcores, and comes to the devices.</summary>
    Runtime,

    /// <summary>The NIC is found and reset.</summary>
    Port,

    /// <summary>There are buffers.</summary>
    Mempool,

    /// <summary>The port is configured and started.</summary>
    Started,

    /// <summary>The link is up.</summary>
    Link,

    /// <summary>The lcore runs.</summary>
    Lcore,

    /// <summary>The first burst is received.</summary>
    Received,

    /// <summary>It is sent.</summary>
    Sent,
}
