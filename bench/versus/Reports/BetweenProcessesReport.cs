using System.Globalization;
using System.Text;
using Versus.Throughput;
using Versus.Transports;

namespace Versus.Reports;

/// <summary>The part of the page about ports that connect processes.</summary>
internal static class BetweenProcessesReport
{
    /// <summary>Writes it.</summary>
    public static void Append(StringBuilder text, Comparison comparison)
    {
        text.Append("## Ports between processes\n\n");
        MarkdownReport.AppendProvenance(text, comparison);
        var table = new TextTable(
            "transport", "bytes", "testpmd, Mpps", "l2fwd, Mpps", "l2fwd / testpmd", "target",
            "cycles of testpmd", "of l2fwd", "testpmd / l2fwd", "peer alone, Mpps");
        foreach (ThroughputResult result in comparison.BetweenProcesses)
            AppendRow(table, result);
        text.Append(table).Append('\n');
        foreach (Transport transport in comparison.BetweenProcesses.Select(result => result.Transport).DistinctBy(transport => transport.Name))
            text.Append($"- **{transport.Name}**: {transport.What}.\n");
        text.Append(
            $"""

            The peer is DPDK's testpmd with the counterparts of the program's ports, the same for both programs; it returns what it
            gets (`io`), and 512 frames per direction go round. Both programs are measured while their core and the peer's share a
            cache (a line needs 60 to 250 ns from the one to the other and back: {Distances(comparison)} here), and of each run the best
            200 ms count: the host of a virtual machine moves its CPUs, and gives the other thread of their cores to others.
            Cycles are those of the TSC per packet, in rounds that found packets: for testpmd by its `record-core-cycles`, counted
            behind the measurement of its rate; for l2fwd the busy share of its lcore x cycles / packets; of each the best second. "Peer alone" is what the peer's core could do if it never had to wait: cycles per second divided
            by its own cycles per packet, in the run with l2fwd. Where a rate is close to that, the peer is the bottleneck, the ratio
            of the rates says little, and that of the cycles counts (one finds smaller bursts while one waits for the peer,
            and those cost more).


            """);
    }

    private static void AppendRow(TextTable table, ThroughputResult result)
    {
        ProgramResult theirs = result.Programs[0];
        ProgramResult ours = result.Programs[^1];
        table.Add(
            result.Transport.Name,
            $"{result.FrameLength}",
            MarkdownReport.Rate(theirs.Rate),
            MarkdownReport.Rate(ours.Rate),
            MarkdownReport.Ratio(result.RatioTo(theirs)),
            $">= {result.Transport.Target:F1}",
            Cell(theirs.Cycles.Select(count => count.Program), Cycles),
            Cell(ours.Cycles.Select(count => count.Program), Cycles),
            Cell(theirs.Cycles.Zip(ours.Cycles, (other, own) => other.Program / own.Program), MarkdownReport.Ratio),
            Cell(ours.Cycles.Select(count => count.Hz / count.Peer), MarkdownReport.Rate));
    }

    private static string Distances(Comparison comparison)
    {
        Spread spread = Spread.Of(comparison.BetweenProcesses.SelectMany(result => result.Programs).SelectMany(program => program.Runs).Select(run => run.CoreDistance));
        return string.Create(CultureInfo.InvariantCulture, $"{spread.Min:F0} to {spread.Max:F0}");
    }

    private static string Cycles(Spread cycles) => cycles.Median.ToString("F0", CultureInfo.InvariantCulture);

    /// <summary>Empty where nothing was counted.</summary>
    private static string Cell(IEnumerable<double> values, Func<Spread, string> format) => values.Any() ? format(Spread.Of(values)) : "";
}
