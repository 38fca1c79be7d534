using Versus.Machine;
using Versus.Programs;
using Versus.Throughput;
using Versus.Transports;

namespace Versus.Startup;

/// <summary>How fast our l2fwd is how soon, from the start of its process.</summary>
/// <param name="Transport">What it forwarded over.</param>
/// <param name="Steady">Packets per second in the second half of the trace, when nothing changes any more.</param>
/// <param name="FirstAfter">Seconds from the start of the process to its first statistics, when it begins to forward.</param>
/// <param name="FullSpeedAfter">Seconds from the start of the process to the end of the first interval at 90 % of that.</param>
/// <param name="Points">The trace.</param>
internal sealed record StartupTrace(string Transport, double Steady, double FirstAfter, double FullSpeedAfter, IReadOnlyList<StartupPoint> Points)
{
    private const double FullSpeed = 0.9;

    /// <summary>Starts it and watches it.</summary>
    /// <param name="program">Which one.</param>
    /// <param name="transport">What it forwards over.</param>
    /// <param name="interval">How closely.</param>
    /// <param name="duration">How long.</param>
    public static StartupTrace Take(OurL2Fwd program, Transport transport, TimeSpan interval, TimeSpan duration)
    {
        var placement = new Placement(Placement.DeviceCpu);
        using OurL2FwdProcess running = program.StartOurs(transport.Ports, placement, $"--stats-interval={interval.TotalMilliseconds}");
        Thread.Sleep(duration);
        IReadOnlyList<StatisticsLine> lines = running.Statistics;
        List<StartupPoint> points = [.. lines.Zip(lines.Skip(1), StartupPoint.Between)];
        double steady = Spread.Of(points.Skip(points.Count / 2).Select(point => point.PacketsPerSecond)).Median;
        StartupPoint full = points.Find(point => point.PacketsPerSecond >= FullSpeed * steady)
            ?? throw new VersusException($"l2fwd printed too little in {duration.TotalSeconds} s to see how it starts");
        return new StartupTrace(transport.Name, steady, lines[0].SinceStart, full.SinceStart, points);
    }
}

/// <summary>An interval of a <see cref="StartupTrace"/>.</summary>
/// <param name="SinceStart">When it ended, in seconds from the start of the process.</param>
/// <param name="PacketsPerSecond">The rate in it.</param>
internal sealed record StartupPoint(double SinceStart, double PacketsPerSecond)
{
    public static StartupPoint Between(StatisticsLine earlier, StatisticsLine later) =>
        new(later.SinceStart, (later.Sent - earlier.Sent) / later.Seconds);
}
