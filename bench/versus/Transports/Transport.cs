namespace Versus.Transports;

/// <summary>A kind of ports to compare over.</summary>
/// <param name="Name">How the command line and the tables call it.</param>
/// <param name="What">One line that says what is measured.</param>
/// <param name="Peer">Who stands at the other end.</param>
/// <param name="Ports">The program's two ports.</param>
internal sealed record Transport(string Name, string What, Peering Peer, PortPair Ports)
{
    /// <summary>The least ratio that we want against DPDK.</summary>
    public double Target { get; init; } = 1.0;

    /// <summary>The peer's two ports; its interfaces have no such words.</summary>
    public IReadOnlyList<string> PeerPorts { get; init; } = [];

    /// <summary>Whether it is one of the kinds that connect processes, which have a table of their own.</summary>
    public bool IsBetweenProcesses { get; init; }

    /// <summary>The command line of every EAL is given these words per port.</summary>
    public static IEnumerable<string> Vdevs(IEnumerable<string> ports) => ports.SelectMany(port => (string[])["--vdev", port]);
}

/// <summary>Who stands at the other end of the program's ports.</summary>
internal enum Peering
{
    /// <summary>Nobody: packets begin and end within the program.</summary>
    None,

    /// <summary>testpmd at the other ends of two veth pairs, in a namespace of its own.</summary>
    Veth,

    /// <summary>testpmd on the two tap interfaces that the program makes, in the program's namespace.</summary>
    Tap,

    /// <summary>testpmd with the counterparts of the program's ports, whose sockets the program makes.</summary>
    Connects,

    /// <summary>testpmd with the counterparts of the program's ports, whose sockets it makes itself, before the program starts.</summary>
    Listens,
}
