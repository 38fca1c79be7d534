namespace Versus.Probe;

/// <summary>Both ends of a probe: packet sockets on two interfaces, or two ports of ours.</summary>
/// <param name="First">One.</param>
/// <param name="Second">The other.</param>
/// <param name="Owner">Ends both.</param>
internal sealed record ProbeEnds(IProbeEnd First, IProbeEnd Second, IDisposable Owner) : IDisposable
{
    private const string PortPrefix = "net_";

    /// <summary>Whether the words name devices of ours.</summary>
    public static bool ArePorts(string first) => first.StartsWith(PortPrefix, StringComparison.Ordinal);

    /// <summary>Opens interfaces by their names, or ports by the words of <c>--vdev</c>.</summary>
    public static ProbeEnds Open(string first, string second)
    {
        if (ArePorts(first))
        {
            ProbePorts ports = ProbePorts.Start(first, second);
            return new ProbeEnds(ports.End(0), ports.End(1), ports);
        }

        var one = new PacketSocket(first);
        try
        {
            var two = new PacketSocket(second);
            return new ProbeEnds(one, two, new Pair(one, two));
        }
        catch
        {
            one.Dispose();
            throw;
        }
    }

    /// <summary>Waits until both can reach the program.</summary>
    public void WaitForLinks() => (Owner as ProbePorts)?.WaitForLinks();

    public void Dispose() => Owner.Dispose();

    private sealed class Pair(IDisposable one, IDisposable two) : IDisposable
    {
        public void Dispose()
        {
            one.Dispose();
            two.Dispose();
        }
    }
}
