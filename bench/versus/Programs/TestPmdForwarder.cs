using Dataplane.Testing.Programs;
using Versus.Machine;
using Versus.Transports;

namespace Versus.Programs;

/// <summary>
/// DPDK's test program. In the program's place it forwards as l2fwd does (<c>mac</c>: both addresses are rewritten); as a
/// peer it returns what it gets (<c>io</c>), after it has put frames on the wire.
/// </summary>
internal sealed class TestPmdForwarder : IForwarder
{
    public string Name => "testpmd";

    public IRunningForwarder Start(PortPair ports, Placement placement) =>
        new TestPmdProcess(placement, "mac", ports.Dpdk, ports.FirstBursts);

    /// <summary>Starts it as the other side of a program's ports.</summary>
    /// <param name="interfaces">The kernel interfaces that it opens.</param>
    /// <param name="placement">Where.</param>
    /// <param name="firstBursts">Bursts of 32 frames that it puts on the wire of each port.</param>
    public static TestPmdProcess StartPeer(IEnumerable<string> interfaces, Placement placement, int firstBursts)
    {
        IEnumerable<string> ports = interfaces.Select((name, i) => $"net_af_packet{i},iface={name},qdisc_bypass=1");
        return new TestPmdProcess(placement, "io", [.. ports], firstBursts);
    }
}

/// <summary>A testpmd that runs.</summary>
internal sealed class TestPmdProcess(Placement placement, string mode, IReadOnlyList<string> vdevs, int firstBursts) : IRunningForwarder
{
    private readonly TestPmd _testPmd = TestPmd.Start(new TestPmdOptions(vdevs)
    {
        Cpu = placement.Cpu,
        Prefix = placement.Prefix,
        Memory = ["--in-memory"],
        Mode = mode,
        FirstBursts = firstBursts,
    });

    public long ReadSent() => _testPmd.Read("TX-packets:").Sum();

    public void BeginMeasurement() => _testPmd.Read("Tx-pps:");

    public double EndMeasurement() => _testPmd.Read("Tx-pps:").Sum();

    /// <summary>As <see cref="EndMeasurement"/>, but what it received.</summary>
    public double EndMeasurementOfReceived() => _testPmd.Read("Rx-pps:").Sum();

    public void Dispose() => _testPmd.Dispose();
}
