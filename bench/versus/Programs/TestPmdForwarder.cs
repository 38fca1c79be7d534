using Dataplane.Testing.Programs;
using Versus.Machine;
using Versus.Transports;

namespace Versus.Programs;

/// <summary>
/// DPDK's test program. In the program's place it forwards as l2fwd does (<c>mac</c>: both addresses are rewritten).
/// </summary>
internal sealed class TestPmdForwarder : IForwarder
{
    public string Name => "testpmd";

    public IRunningForwarder Start(PortPair ports, Placement placement)
    {
        var running = new TestPmdProcess(placement, "mac", ports.Dpdk);
        running.Forward(ports.FirstBursts);
        return running;
    }
}

/// <summary>A testpmd that runs.</summary>
/// <param name="placement">Where.</param>
/// <param name="mode">What it does with packets.</param>
/// <param name="vdevs">Its ports.</param>
/// <param name="frameLength">Bytes of the frames that it sends first.</param>
internal sealed class TestPmdProcess(Placement placement, string mode, IReadOnlyList<string> vdevs, int frameLength = TestPmdProcess.ShortestFrame) : IRunningForwarder
{
    /// <summary>Bytes of a frame that testpmd sends unless told.</summary>
    public const int ShortestFrame = 64;

    private readonly TestPmd _testPmd = TestPmd.Open(new TestPmdOptions(vdevs)
    {
        Cpu = placement.Cpu,
        Prefix = placement.Prefix,
        Mode = mode,
        Options = [$"--txpkts={frameLength}"],
    });

    /// <summary>Begins to forward, with so many bursts of 32 frames that each port sends first.</summary>
    public void Forward(int firstBursts) => _testPmd.Forward(firstBursts);

    /// <summary>As <see cref="Forward"/>, but only when both ports have found their peers and can receive what comes back; it does when this returns.</summary>
    public void ForwardToPeers(int firstBursts)
    {
        _testPmd.WaitForLinks();
        // A memif client of DPDK that works zero-copy has no buffers in its rings before it polls.
        _testPmd.PollOnce();
        _testPmd.Forward(firstBursts);
        _testPmd.WaitForPackets();
    }

    public long ReadSent() => _testPmd.Read("TX-packets:").Sum();

    public void BeginMeasurement() => _testPmd.Read("Tx-pps:");

    public double EndMeasurement() => _testPmd.Read("Tx-pps:").Sum();

    /// <summary>As <see cref="EndMeasurement"/>, but what it received.</summary>
    public double EndMeasurementOfReceived() => _testPmd.Read("Rx-pps:").Sum();

    public void BeginCycles() => _testPmd.BeginCycles();

    public double? EndCycles(double hz) => EndCycles().PerPacket;

    /// <summary>As <see cref="EndCycles(double)"/>, with the frequency.</summary>
    public CoreCycles EndCycles() => _testPmd.EndCycles();

    public void Dispose() => _testPmd.Dispose();
}
