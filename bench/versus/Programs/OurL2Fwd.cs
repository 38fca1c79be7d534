using Dataplane.Testing.Programs;
using Versus.Machine;
using Versus.Transports;

namespace Versus.Programs;

/// <summary>The l2fwd of this repository, published as users run it.</summary>
/// <param name="executable">Where it is.</param>
/// <param name="environment">Variables to set, each <c>NAME=VALUE</c>.</param>
internal sealed class OurL2Fwd(string executable, params IReadOnlyList<string> environment) : IForwarder
{
    public string Name => "l2fwd";

    public IRunningForwarder Start(PortPair ports, Placement placement) => StartOurs(ports, placement);

    /// <summary>As <see cref="Start"/>, with what only ours can tell.</summary>
    /// <param name="ports">What to forward between.</param>
    /// <param name="placement">Where.</param>
    /// <param name="options">Further options of the program, behind <c>--</c>.</param>
    public OurL2FwdProcess StartOurs(PortPair ports, Placement placement, params ReadOnlySpan<string> options) =>
        new(placement, ["env", .. environment, executable, .. Arguments(ports, placement), .. options]);

    private static IEnumerable<string> Arguments(PortPair ports, Placement placement) =>
    [
        "-l", $"{placement.Cpu}", "--no-pci", "--in-memory", .. Transport.Vdevs(ports.Ours),
        "--", "-p", "3", "-q", "2", "-T", "1", "--stats=json",
    ];
}

/// <summary>A l2fwd of ours that runs.</summary>
internal sealed class OurL2FwdProcess : IRunningForwarder
{
    private readonly ConsoleProcess _process;
    private int _mark;

    public OurL2FwdProcess(Placement placement, IEnumerable<string> command)
    {
        _process = ConsoleProcess.Start([.. placement.Prefix, .. command]);
        try
        {
            _process.WaitFor(0, 1, IsStatistics);
        }
        catch
        {
            _process.Dispose();
            throw;
        }
    }

    /// <summary>Everything that it has reported so far.</summary>
    public IReadOnlyList<StatisticsLine> Statistics => Parse(0);

    public long ReadSent()
    {
        int mark = _process.LineCount;
        _process.WaitFor(mark, 1, IsStatistics);
        return Parse(mark)[0].Sent;
    }

    public void BeginMeasurement() => _mark = _process.LineCount;

    /// <summary>Over the periods that lie within the measurement.</summary>
    public double EndMeasurement()
    {
        (StatisticsLine before, List<StatisticsLine> within) = Measured();
        return (within[^1].Sent - before.Sent) / within.Sum(line => line.Seconds);
    }

    public void BeginCycles() => BeginMeasurement();

    public double? EndCycles(double hz)
    {
        (StatisticsLine before, List<StatisticsLine> within) = Measured();
        long sent = within[^1].Sent - before.Sent;
        return sent == 0 ? null : hz * within.Sum(line => line.Busy * line.Seconds) / sent;
    }

    public void Dispose()
    {
        try
        {
            _process.Interrupt();
        }
        finally
        {
            _process.Dispose();
        }
    }

    private static bool IsStatistics(string line) => line.StartsWith('{');

    /// <summary>The last line whose period began before the measurement did, and those that lie within.</summary>
    private (StatisticsLine Before, List<StatisticsLine> Within) Measured()
    {
        _process.WaitFor(_mark, 2, IsStatistics);
        List<StatisticsLine> lines = Parse(_mark);
        return (lines[0], lines[1..]);
    }

    private List<StatisticsLine> Parse(int start) =>
    [
        .. _process.LinesFrom(start).Where(line => IsStatistics(line.Text)).Select(line => StatisticsLine.Parse(line, _process.Started)),
    ];
}
