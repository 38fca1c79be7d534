using System.Text.RegularExpressions;
using Dataplane.Eal;
using L2Fwd.CommandLine;

namespace L2Fwd.Tests.Processes;

/// <summary>What DPDK 22.11's l2fwd answers to a command line.</summary>
/// <param name="CommandLine">As it was captured; <c>2xNULL</c> stands for lcore 0 and two null ports.</param>
internal sealed partial record CapturedAnswer(string CommandLine)
{
    private const string TwoNullPorts = "-l 0 --no-pci --file-prefix=cli --vdev net_null0 --vdev net_null1";

    /// <summary>Lines on stdout, without those that every run prints.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];

    /// <summary>The cause of exit code 1; null: it runs on until it is stopped.</summary>
    public string? Cause { get; init; }

    /// <summary>What getopt says on stderr.</summary>
    public string? Complaint { get; init; }

    /// <summary>Whether the program's usage follows on stdout.</summary>
    public bool ShowsUsage { get; init; }

    /// <summary>Whether EAL's usage is shown on stdout instead of anything of the program.</summary>
    public bool ShowsEalUsage { get; init; }

    /// <summary>Whether it never gets beyond EAL.</summary>
    public bool EndsInEal { get; init; }

    /// <summary>Numbers of the ports that run, if it runs on.</summary>
    public IReadOnlyList<int> Ports { get; init; } = [];

    public string Expanded => CommandLine.Replace("2xNULL", TwoNullPorts, StringComparison.Ordinal);

    public bool HasStatistics => !CommandLine.Contains("-T 0", StringComparison.Ordinal);

    /// <summary>Checks all of stdout.</summary>
    public void CheckOutput(string output)
    {
        if (ShowsEalUsage)
            Assert.Equal(EalCommandLine.Help("l2fwd"), output);
        else if (EndsInEal)
            Assert.Empty(output);
        else if (ShowsUsage)
            Assert.Equal(Join(Lines) + Usage.Text, output);
        else if (Cause is not null)
            Assert.Equal("MAC updating enabled\n" + Join(Lines), output);
        else
            CheckRun(output);
    }

    private void CheckRun(string output)
    {
        string mac = HasLine("MAC") ? "" : "MAC updating enabled\n";
        string plan = Join(Lines.Where(line => !line.StartsWith("Skipping", StringComparison.Ordinal)));
        string start = mac + plan + Initialization() + Links();
        string closing = string.Concat(Ports.Select(port => $"Closing port {port}... Done\n"));
        string end = $"\n\nSignal 2 received, preparing to exit...\n{closing}Bye...\n";
        string masked = MacLine().Replace(output, "MAC address: X\n");
        Assert.Equal(start, masked[..Math.Min(start.Length, masked.Length)]);
        string screens = masked[start.Length..];
        Assert.EndsWith(end, screens, StringComparison.Ordinal);
        Assert.Matches(HasStatistics ? $"^({Screen()})+$" : "^$", screens[..^end.Length]);
    }

    private bool HasLine(string start) => Lines.Any(line => line.StartsWith(start, StringComparison.Ordinal));

    private string Initialization()
    {
        IEnumerable<int> skipped = Lines
            .Where(line => line.StartsWith("Skipping", StringComparison.Ordinal)).Select(line => line[^1] - '0');
        return string.Concat(Ports.Concat(skipped).Order().Select(port => Ports.Contains(port)
            ? $"Initializing port {port}... done: \nPort {port}, MAC address: X\n\n"
            : $"Skipping disabled port {port}\n"));
    }

    private string Links() => "\nChecking link statusdone\n"
        + string.Concat(Ports.Select(port => $"Port {port} Link up at 10 Gbps FDX Fixed\n"));

    private string Screen()
    {
        string ports = string.Concat(Ports.Select(port =>
            $"Statistics for port {port} -{{30}}\n"
            + "Packets sent: [ \\d]{24}\nPackets received: [ \\d]{20}\nPackets dropped: [ \\d]{21}\n"));
        return $"\\e\\[2J\\e\\[1;1H\nPort statistics ={{36}}\n{ports}Aggregate statistics ={{31}}\n"
            + "Total packets sent: [ \\d]{18}\nTotal packets received: [ \\d]{14}\nTotal packets dropped: [ \\d]{15}\n"
            + "={52}\n";
    }

    private static string Join(IEnumerable<string> lines) => string.Concat(lines.Select(line => line + "\n"));

    [GeneratedRegex("MAC address: [0-9A-F]{2}(:[0-9A-F]{2}){5}\n")]
    private static partial Regex MacLine();
}
