using System.Text.Json;
using CommandLine;
using Dataplane.Lcores;
using Dataplane.Testing.Programs;
using Versus.Machine;
using Versus.Probe;
using Versus.Programs;
using Versus.Reports;

namespace Versus;

/// <summary>Compares our l2fwd with DPDK side by side; <c>bench/versus/run</c> starts it.</summary>
internal static class Program
{
    private const string Results = "artifacts/versus";
    private const string Document = "docs/performance.md";

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    private static int Main(string[] args)
    {
        if (args is [ProbeProcess.Verb, .. string[] words])
        {
            ProbeProcess.Answer(words);
            return 0;
        }

        return Parser.Default.ParseArguments<VersusOptions>(args).MapResult(
            options => Compare(options, args),
            errors => errors.IsHelp() || errors.IsVersion() ? 0 : 1);
    }

    private static int Compare(VersusOptions options, string[] args)
    {
        if (options.Smoke)
            options = Smoke(options);
        // The programs that we started get Ctrl-C as well and end; that ends us, in an orderly way.
        Console.CancelKeyPress += (_, key) => key.Cancel = true;
        string directory = Directory.CreateTempSubdirectory("versus").FullName;
        try
        {
            if (!Environment.IsPrivilegedProcess)
                throw new VersusException("Hugepages and network namespaces need root; run it with sudo");
            if (!ThreadAffinity.TryGet(0, out CpuSet cpus) || !cpus.Contains(Placement.DeviceCpu) || !cpus.Contains(Placement.PeerCpu))
                throw new VersusException($"The program runs on CPU {Placement.DeviceCpu} and its peer on CPU {Placement.PeerCpu}, and we may not use both of them");
            Comparison comparison = new ComparisonRun(options, directory).Run(string.Join(' ', ["bench/versus/run", .. args]));
            Write(comparison, options.Save, options.All && !options.Transports.Any());
            return 0;
        }
        catch (Exception e) when (e is VersusException or ProgramException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Seconds instead of minutes.</summary>
    private static VersusOptions Smoke(VersusOptions options) => new()
    {
        Pairs = 1,
        Seconds = 1,
        Transports = ["null", "ring", "memif", "memif-zero-copy", "vhost", "vhost-packed", "virtio-user", "virtio-user-packed"],
        Sizes = [TestPmdProcess.ShortestFrame],
        Against = ["testpmd"],
        Throughput = true,
        Smoke = true,
        L2Fwd = options.L2Fwd,
    };

    private static void Write(Comparison comparison, bool save, bool isComplete)
    {
        Directory.CreateDirectory(Results);
        string page = MarkdownReport.Page(comparison);
        File.WriteAllText($"{Results}/performance.md", page);
        File.WriteAllText($"{Results}/performance.json", JsonSerializer.Serialize(comparison, s_json));
        if (save)
            File.WriteAllText(Document, PerformanceDocument.Merge(File.Exists(Document) ? File.ReadAllText(Document) : "", page, isComplete));
        Console.WriteLine();
        Console.WriteLine(MarkdownReport.Sections(comparison));
        Console.WriteLine($"Written to {Results}/performance.md and .json{(save ? $" and to {Document}" : "")}");
    }
}
