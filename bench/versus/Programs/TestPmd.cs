using System.Globalization;
using Versus.Machine;
using Versus.Transports;

namespace Versus.Programs;

/// <summary>
/// DPDK's test program. In the program's place it forwards as l2fwd does (<c>mac</c>: both addresses are rewritten); as a
/// peer it returns what it gets (<c>io</c>), after it has put frames on the wire.
/// </summary>
internal sealed class TestPmd : IForwarder
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
internal sealed class TestPmdProcess : IRunningForwarder
{
    private const int Ports = 2;

    private readonly ConsoleProcess _process;

    public TestPmdProcess(Placement placement, string mode, IReadOnlyList<string> vdevs, int firstBursts)
    {
        int cpu = placement.Cpu;
        _process = ConsoleProcess.Start(
            placement,
            [
                // Lines are flushed one by one: a pipe is read here. testpmd wants a second lcore for its prompt, which sleeps.
                "stdbuf", "-oL", "dpdk-testpmd", "--lcores", $"0@{cpu},1@{cpu}", "--no-pci", "--in-memory",
                .. Transport.Vdevs(vdevs),
                // Descriptors and mbufs as l2fwd has them; nothing that arrives early is thrown away.
                "--", "-i", "--no-flush-rx", "--rxd=1024", "--txd=1024", "--total-num-mbufs=8192", $"--forward-mode={mode}",
            ]);
        try
        {
            _process.Type(firstBursts == 0 ? "start" : $"start tx_first {firstBursts}");
            ReadRates("TX-packets:");
        }
        catch
        {
            _process.Dispose();
            throw;
        }
    }

    public long ReadSent() => ReadRates("TX-packets:").Sum();

    public void BeginMeasurement() => ReadRates("Tx-pps:");

    public double EndMeasurement() => ReadRates("Tx-pps:").Sum();

    /// <summary>As <see cref="EndMeasurement"/>, but what it received.</summary>
    public double EndMeasurementOfReceived() => ReadRates("Rx-pps:").Sum();

    public void Dispose()
    {
        try
        {
            _process.Type("stop");
            _process.Type("quit");
            _process.WaitForExit();
        }
        finally
        {
            _process.Dispose();
        }
    }

    /// <summary>Asks for the ports' statistics. Rates among them are since it was asked last.</summary>
    private IEnumerable<long> ReadRates(string key)
    {
        int mark = _process.LineCount;
        _process.Type("show port stats all");
        // Tx-pps stands last in a port's block.
        _process.WaitFor(mark, Ports, line => line.Contains("Tx-pps:", StringComparison.Ordinal));
        return _process.WaitFor(mark, Ports, line => line.Contains(key, StringComparison.Ordinal)).Select(line => ValueOf(line.Text, key));
    }

    private static long ValueOf(string line, string key)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return long.Parse(words[Array.IndexOf(words, key) + 1], CultureInfo.InvariantCulture);
    }
}
