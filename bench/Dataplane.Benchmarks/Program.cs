using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Dataplane.Benchmarks.Nics;
using Dataplane.Benchmarks.Peers;

namespace Dataplane.Benchmarks;

/// <summary>
/// <c>dotnet run -c Release --project bench/Dataplane.Benchmarks [-- --filter *Ring* --job dry ...]</c>: the options are
/// BenchmarkDotNet's; without a filter all benchmarks run. <c>-- nic-cycles</c> prints cycles per packet on a NIC's rings,
/// <c>-- peer-cycles [NAME]</c> those on rings that are shared with a peer.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is ["nic-cycles"])
        {
            CycleTable.Print(Console.Out);
            return 0;
        }

        if (args is ["peer-cycles", ..])
        {
            PeerCycleTable.Print(Console.Out, args.ElementAtOrDefault(1) ?? "");
            return 0;
        }

        // In this process: the project that BenchmarkDotNet would otherwise generate and build needs a package feed and
        // would be built under this repository's analyzers. The project file says how this process is compiled.
        List<string> arguments = [.. args, "--inProcess"];
        if (!args.Any(argument => argument is "-f" or "--filter" or "--list"))
            arguments.AddRange(["--filter", "*"]);

        IConfig config = ManualConfig.CreateEmpty()
            .AddLogger(ConsoleLogger.Default)
            .AddExporter(MarkdownExporter.GitHub)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddColumn(new PerPacketColumn())
            .AddDiagnoser(MemoryDiagnoser.Default);
        IEnumerable<Summary> summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run([.. arguments], config);
        return summaries.All(Succeeded) ? 0 : 1;
    }

    private static bool Succeeded(Summary summary) =>
        !summary.HasCriticalValidationErrors && summary.Reports.Length != 0 && summary.Reports.All(report => report.Success);
}
