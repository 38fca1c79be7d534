namespace Dataplane.Ports;

/// <summary>What a port hashes to spread packets over its rx queues; packets without any of it go to queue 0.</summary>
[Flags]
public enum RssHash
{
    /// <summary>Nothing: every packet goes to queue 0.</summary>
    None = 0,

    /// <summary>IPv4 and IPv6 addresses.</summary>
    Ip = 1,

    /// <summary>Addresses and TCP ports.</summary>
    Tcp = 2,

    /// <summary>Addresses and UDP ports; fragments of a flow may part ways then.</summary>
    Udp = 4,
}
