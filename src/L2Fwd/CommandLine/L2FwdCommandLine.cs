using System.Globalization;
using CommandLine;

namespace L2Fwd.CommandLine;

/// <summary>
/// Reads the program's own arguments: DPDK's spelling, limits and complaints, and a few options of ours.
/// </summary>
internal static class L2FwdCommandLine
{
    /// <summary>The name in complaints and in the usage.</summary>
    public const string ProgramName = "l2fwd";

    /// <summary>Most ports per lcore; DPDK's MAX_RX_QUEUE_PER_LCORE is 16 and not reached.</summary>
    public const int MaxPortsPerLcore = 15;

    /// <summary>Longest period of statistics; DPDK's usage says 86400 (a day), its code takes a second less.</summary>
    private const int MaxPeriod = 86399;

    /// <summary>The same in milliseconds.</summary>
    private const int MaxInterval = MaxPeriod * 1000;

    private static readonly GetoptOption[] s_options =
    [
        new('p', null, HasArgument: true, static text => $"--portmask={PortMask(text)}"),
        new('P', null, HasArgument: false, static _ => "--promiscuous"),
        new('q', null, HasArgument: true, static text => $"--ports-per-lcore={PortsPerLcore(text)}"),
        new('T', null, HasArgument: true, static text => $"--period={Period(text)}"),
        new(null, "no-mac-updating", HasArgument: false, static _ => "--mac-updating=false"),
        new(null, "mac-updating", HasArgument: false, static _ => "--mac-updating=true"),
        new(null, "portmap", HasArgument: true, static text => $"--portmap={new PortMap(text)}"),
        new(null, "stats", HasArgument: true, static text => $"--stats={Statistics(text)}"),
        new(null, "rx-interrupt", HasArgument: false, static _ => "--rx-interrupt"),
        new(null, "stats-interval", HasArgument: true, static text => $"--stats-interval={StatisticsInterval(text)}"),
    ];

    /// <summary>Reads the arguments behind <c>--</c>.</summary>
    /// <exception cref="UsageException">One of them is wrong.</exception>
    public static L2FwdOptions Parse(IReadOnlyList<string> arguments)
    {
        string[] normalized = [.. new Getopt(ProgramName, s_options).Normalize(arguments)];
        using var parser = new Parser(settings =>
        {
            settings.AutoHelp = false;
            settings.AutoVersion = false;
            settings.HelpWriter = null;
            // Given twice, the last one counts, as with getopt.
            settings.AllowMultiInstance = true;
            settings.ParsingCulture = CultureInfo.InvariantCulture;
        });
        return parser.ParseArguments<L2FwdOptions>(normalized).MapResult(
            options => options,
            failures => throw new InvalidOperationException(
                $"'{string.Join(' ', normalized)}' does not bind: {failures.First().Tag}"));
    }

    private static uint PortMask(string text) => CStyleNumber.TryParse(text, 16, out uint mask) && mask != 0
        ? mask
        : throw new UsageException(
            "invalid portmask",
            "-p takes a hexadecimal number with a bit for each port, such as -p 3 for the ports 0 and 1");

    private static uint PortsPerLcore(string text) =>
        CStyleNumber.TryParse(text, 10, out uint count) && count is > 0 and <= MaxPortsPerLcore
            ? count
            : throw new UsageException("invalid queue number", $"-q takes 1 to {MaxPortsPerLcore} ports per lcore");

    private static uint Period(string text) => CStyleNumber.TryParse(text, 10, out uint seconds) && seconds <= MaxPeriod
        ? seconds
        : throw new UsageException(
            "invalid timer period", $"-T takes 1 to {MaxPeriod} seconds, or 0 for no statistics");

    private static StatisticsMode Statistics(string text) => text switch
    {
        "screen" => StatisticsMode.Screen,
        "json" => StatisticsMode.Json,
        "live" => StatisticsMode.Live,
        _ => throw new UsageException("invalid statistics mode", "--stats takes screen, json or live"),
    };

    private static uint StatisticsInterval(string text) =>
        CStyleNumber.TryParse(text, 10, out uint milliseconds) && milliseconds is > 0 and <= MaxInterval
            ? milliseconds
            : throw new UsageException(
                "invalid statistics interval", $"--stats-interval takes 1 to {MaxInterval} milliseconds");
}
