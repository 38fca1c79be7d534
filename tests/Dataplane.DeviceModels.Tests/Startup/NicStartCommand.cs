using System.Globalization;
using CommandLine;
using Dataplane.DeviceModels.Tests.E1000;
using Dataplane.DeviceModels.Tests.Igb;
using Dataplane.DeviceModels.Tests.Virtio;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests.Startup;

/// <summary>How soon a fresh process of ours forwards the first packet of a NIC.</summary>
[Verb("nic-start", isDefault: true, HelpText = "Measure the time from the start of a process to the first packet that it forwards over QEMU's NICs.")]
internal sealed class NicStartCommand
{
    private const ulong PageSize = 2 << 20;

    /// <summary>8192 buffers of some 2.5 KiB, rings, and what does not share a segment.</summary>
    private const int Pages = 32;

    private static readonly string[] s_header =
    [
        "NIC          ", "main", "runtime", "port made", "mempool", "started", "link up", "lcore runs", "received", "sent", "on the wire",
        "without the link",
    ];

    private static readonly Dictionary<string, Func<NicModel>> s_models = new()
    {
        ["e1000"] = () => new E1000Model(),
        ["e1000e"] = () => new E1000eModel(),
        ["igb"] = () => new IgbModel(),
        ["virtio"] = () => new VirtioModel(),
        ["virtio-packed"] = () => new VirtioPackedModel(),
    };

    [Option("nic", Separator = ',', Default = new[] { "e1000", "e1000e", "igb", "virtio", "virtio-packed" }, HelpText = "Models of NICs, with commas between them.")]
    public IEnumerable<string> Nics { get; init; } = [];

    [Option("runs", Default = 9, HelpText = "How often each is started.")]
    public int Runs { get; init; }

    [Option("env", Separator = ',', HelpText = "Environment variables of the measured process, NAME=VALUE with commas between them, such as DOTNET_ReadyToRun=0.")]
    public IEnumerable<string> Variables { get; init; } = [];

    public int Run()
    {
        if (Nics.FirstOrDefault(nic => !s_models.ContainsKey(nic)) is { } unknown)
        {
            Console.Error.WriteLine($"There is no NIC {unknown}; there are {string.Join(", ", s_models.Keys)}");
            return 1;
        }

        if (Runs < 1)
        {
            Console.Error.WriteLine("--runs takes a number of at least 1");
            return 1;
        }

        using HugepageReservation pages = HugepageReservation.Take(PageSize, Pages);
        Console.WriteLine(
            $"Milliseconds from the start of the process, median of {Runs} starts; {(pages.Count == Pages ? "hugepages" : "ordinary pages")}; " +
            $"load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}, {Environment.ProcessorCount} CPUs.");
        Console.WriteLine();
        Console.WriteLine(Row(s_header));
        Console.WriteLine($"|{string.Join('|', s_header.Select((name, column) => new string('-', name.Length + 1) + (column == 0 ? '-' : ':')))}|");
        foreach (string nic in Nics)
            Console.WriteLine(Row([nic, .. Measure(nic)]));
        return 0;
    }

    private static string Row(IEnumerable<string> cells) =>
        $"| {string.Join(" | ", cells.Zip(s_header, (cell, name) => name == s_header[0] ? cell.PadRight(name.Length) : cell.PadLeft(name.Length)))} |";

    /// <summary>A row of the table, behind the name.</summary>
    private string[] Measure(string nic)
    {
        KeyValuePair<string, string>[] environment =
            [.. Variables.Select(variable => variable.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1]))];
        var starts = new List<FirstPacket>();
        // The first, which is not counted, brings files into memory and compiles what measures.
        for (int i = 0; i <= Runs; i++)
        {
            FirstPacket start = FirstPacket.Await(s_models[nic](), environment);
            Console.Error.WriteLine($"{nic}, start {i}: {string.Join(' ', start.Stages.Append(start.Out).Select(time => $"{time.TotalMilliseconds:F1}"))}");
            if (i > 0)
                starts.Add(start);
        }

        IEnumerable<string> stages = Enum.GetValues<StartStage>().Select(stage => Median(starts, start => start.Stages[(int)stage]));
        string range = $"({Milliseconds(starts.Min(start => start.OutWithoutLink))}..{Milliseconds(starts.Max(start => start.OutWithoutLink))})";
        return [.. stages, Median(starts, start => start.Out), $"{Median(starts, start => start.OutWithoutLink)} {range}"];
    }

    private static string Median(List<FirstPacket> starts, Func<FirstPacket, TimeSpan> time) =>
        Milliseconds(starts.Select(time).Order().ElementAt(starts.Count / 2));

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture);
}
