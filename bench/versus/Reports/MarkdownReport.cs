using System.Globalization;
using System.Text;
using Versus.Latency;
using Versus.Startup;
using Versus.Throughput;

namespace Versus.Reports;

/// <summary>Writes a <see cref="Comparison"/> for people: on the terminal and in <c>docs/performance.md</c>.</summary>
internal static class MarkdownReport
{
    private const int BarWidth = 50;

    /// <summary>The whole page.</summary>
    public static string Page(Comparison comparison) =>
        $"""
        # Performance

        `l2fwd` against DPDK on one machine in one run, {comparison.Machine.Date:yyyy-MM-dd HH:mm} UTC. Written by:

            {comparison.CommandLine}

        | | |
        |---|---|
        | CPU | {comparison.Machine.Cpu} |
        | kernel | {comparison.Machine.Kernel} |
        | system | {comparison.Machine.System} |
        | .NET | {comparison.Machine.DotNet} |
        | DPDK | {comparison.Machine.Dpdk} (Debian's package) |
        | l2fwd | commit {comparison.Machine.Commit} |

        Rates on a shared machine wander by tens of percent within minutes. So programs are measured in turn (A B A B ...),
        a ratio is taken within each round, and what is given is the median of the rounds, with the least and the greatest
        in parentheses. Each program has CPU 0 to itself, its peer, if there is one, CPU 1; all use hugepages of 2 MiB.

        {Sections(comparison)}
        """;

    /// <summary>The tables alone.</summary>
    public static string Sections(Comparison comparison)
    {
        var text = new StringBuilder();
        if (comparison.Throughput.Count > 0)
            AppendThroughput(text, comparison.Throughput);
        if (comparison.BetweenProcesses.Count > 0)
            BetweenProcessesReport.Append(text, comparison);
        if (comparison.Latency.Count > 0)
            AppendLatency(text, comparison);
        if (comparison.Startup.Count > 0)
            AppendStartup(text, comparison.Startup);
        if (comparison.Tiering.Count > 0)
            AppendTiering(text, comparison.Tiering);
        if (comparison.Steady is { } steady)
            AppendSteady(text, steady);
        return text.ToString();
    }

    private static void AppendThroughput(StringBuilder text, IReadOnlyList<ThroughputResult> results)
    {
        text.Append("## Packets per second\n\n");
        string[] programs = [.. results[0].Programs.Select(program => program.Program)];
        var table = new TextTable(
            ["transport", .. programs.Select(name => $"{name}, Mpps"), .. programs.SkipLast(1).Select(name => $"l2fwd / {name}"), "target"]);
        foreach (ThroughputResult result in results)
        {
            IEnumerable<string> rates = result.Programs.Select(program => Rate(program.Rate));
            IEnumerable<string> ratios = result.Programs.SkipLast(1).Select(other => Ratio(result.RatioTo(other)));
            table.Add([result.Transport.Name, .. rates, .. ratios, $">= {result.Transport.Target:F1}"]);
        }

        text.Append(table).Append('\n');
        foreach (ThroughputResult result in results)
            text.Append($"- **{result.Transport.Name}**: {result.Transport.What}; {result.Programs[^1].FramesChecked} frames of all sizes compared per program.\n");
        text.Append(
            """

            testpmd forwards in mode `mac`. Where a peer stands at the other ends, the rate is what the peer got back. In the loops
            the same number of packets goes round in all: testpmd sends N bursts of 32 per port first (`start tx_first N`), DPDK's
            l2fwd when a port starts (`bench/versus/Programs/first_bursts.c`), ours finds them in its ring (`preload=32·N`). Frames
            that stay within the program are checked by forwarding from capture file to capture file.


            """);
    }

    private static void AppendLatency(StringBuilder text, Comparison comparison)
    {
        text.Append("## Latency at low load\n\n");
        AppendProvenance(text, comparison);
        var table = new TextTable("µs", "program", "frames/s", "frames", "lost", "p50", "p99", "p99.9", "p99.99");
        foreach ((LatencyResult result, LatencySummary summary) in comparison.Latency.SelectMany(result => result.Programs.Select(summary => (result, summary))))
        {
            table.Add(
                result.Transport, summary.Program, $"{summary.FramesPerSecond}", $"{summary.Frames}", $"{summary.Lost}",
                Microseconds(summary.P50), Microseconds(summary.P99), Microseconds(summary.P999), Microseconds(summary.P9999));
        }

        text.Append(table).Append('\n');
        text.Append(
            """

            From before a frame of 64 bytes is sent to one port until it has come back from the other; what the probe needs to
            send and receive is in it. Frames go at random times: over af_packet a few thousand a second, by packet sockets at
            the other ends of the veth pairs; over ports between processes a tenth of what testpmd forwards per direction, by ports
            of ours, the counterparts of the program's, the same for all. DPDK's l2fwd waits up to 100 µs for 32 packets before it
            sends (target: five times the median of ours); ours sends what it has.


            """);
        foreach (LatencySummary summary in comparison.Latency.Where(result => result.Transport == "af_packet").SelectMany(result => result.Programs))
            AppendHistogram(text, summary);
    }

    private static void AppendHistogram(StringBuilder text, LatencySummary summary)
    {
        text.Append($"    {summary.Program}\n");
        int most = summary.Histogram.Max(bar => bar.Count);
        foreach (HistogramBar bar in summary.Histogram)
        {
            string line = new('#', (int)Math.Ceiling((double)BarWidth * bar.Count / most));
            text.Append($"    {Microseconds(bar.FromNanoseconds),8} µs {bar.Count,8} {line}".TrimEnd()).Append('\n');
        }

        text.Append('\n');
    }

    private static void AppendStartup(StringBuilder text, IReadOnlyList<StartupTrace> traces)
    {
        text.Append("## Start-up\n\n");
        foreach (StartupTrace trace in traces)
        {
            text.Append($"Over {trace.Transport}, from the start of the process; full speed is {Mpps(trace.Steady)} Mpps, ");
            text.Append($"90 % of it is reached after {trace.FullSpeedAfter:F2} s (target: 0.5):\n\n");
            foreach (StartupPoint point in trace.Points.TakeWhile(point => point.SinceStart < 2))
            {
                string line = new('#', (int)Math.Round(BarWidth * Math.Min(1.2, point.PacketsPerSecond / trace.Steady)));
                text.Append($"    {point.SinceStart:F2} s {Mpps(point.PacketsPerSecond),8} Mpps {line}\n");
            }

            text.Append('\n');
        }
    }

    private static void AppendTiering(StringBuilder text, IReadOnlyList<TieringResult> results)
    {
        text.Append(
            """
            The loops carry `AggressiveOptimization`: they are compiled once, at their first call, with all optimisations, so their
            speed does not depend on tiers. What is left is the time until they are called, which other ways of compiling the rest
            of the program change like this (ms from the start of the process):


            """);
        var table = new TextTable("compiled", "forwards after", "90 % of full speed after");
        foreach (TieringResult result in results)
            table.Add(result.Way, Milliseconds(result.First), Milliseconds(result.Full));
        text.Append(table).Append('\n');
    }

    private static void AppendSteady(StringBuilder text, SteadyRun steady)
    {
        text.Append("## Garbage collection\n\n");
        text.Append($"In {steady.Seconds:F0} s over {steady.Transport} with statistics each second: {steady.Packets / 1e6:F0} million packets, ");
        text.Append($"{steady.AllocatedBytes} bytes allocated, {steady.Collections} collections (target: 0 and 0).\n");
    }

    /// <summary>Millions of packets per second.</summary>
    internal static string Rate(Spread spread) => $"{Mpps(spread.Median)} ({Mpps(spread.Min)}..{Mpps(spread.Max)})";

    /// <summary>One number divided by another.</summary>
    internal static string Ratio(Spread spread) => $"{spread.Median:F2} ({spread.Min:F2}..{spread.Max:F2})";

    private static string Milliseconds(Spread spread) => $"{spread.Median:F0} ({spread.Min:F0}..{spread.Max:F0})";

    /// <summary>Three digits, whatever the size.</summary>
    private static string Mpps(double packetsPerSecond)
    {
        double mega = packetsPerSecond / 1e6;
        return mega.ToString(mega >= 100 ? "F0" : mega >= 10 ? "F1" : mega >= 1 ? "F2" : "F3", CultureInfo.InvariantCulture);
    }

    /// <summary>How and of what a part of the page was made.</summary>
    internal static void AppendProvenance(StringBuilder text, Comparison comparison) =>
        text.Append($"By `{comparison.CommandLine}`, {comparison.Machine.Date:yyyy-MM-dd HH:mm} UTC, commit {comparison.Machine.Commit}:\n\n");

    private static string Microseconds(double nanoseconds) => (nanoseconds / 1e3).ToString("F1", CultureInfo.InvariantCulture);
}
