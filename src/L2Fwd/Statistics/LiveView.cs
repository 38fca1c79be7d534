using System.Diagnostics;
using System.Globalization;
using System.Text;
using L2Fwd.Forwarding;
using L2Fwd.Terminal;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace L2Fwd.Statistics;

/// <summary>
/// A table of rates on a terminal. Each redraw is one write that overwrites the last one line by line, so nothing
/// flickers. It allocates what Spectre.Console needs, on the control thread: for measurements take the other views.
/// </summary>
internal sealed class LiveView : IStatisticsView, IDisposable
{
    /// <summary>Seconds that the graphs go back, at one redraw each second.</summary>
    private const int HistorySeconds = 60;

    /// <summary>Columns of a terminal that the numbers and borders take.</summary>
    private const int NumbersWidth = 74;

    private const int MinGraphWidth = 10;

    // ECMA-48 and, for the cursor, DEC's private modes as every terminal has them.
    private const string Home = "\e[H";
    private const string ClearScreen = "\e[2J";
    private const string ClearRestOfLine = "\e[K";
    private const string ClearBelow = "\e[J";
    private const string HideCursor = "\e[?25l";
    private const string ShowCursor = "\e[?25h";

    private readonly StatisticsSource _source;
    private readonly Output _output;
    private readonly Func<int> _width;
    private readonly History[] _portHistories;
    private readonly History[] _lcoreHistories;
    private readonly StringBuilder _text = new();
    private bool _started;

    /// <param name="source">What is shown.</param>
    /// <param name="output">A terminal.</param>
    /// <param name="width">Tells the terminal's columns; asked at each redraw, as windows change.</param>
    public LiveView(StatisticsSource source, Output output, Func<int> width)
    {
        _source = source;
        _output = output;
        _width = width;
        _portHistories = [.. source.Ports.Select(_ => new History(HistorySeconds))];
        _lcoreHistories = [.. source.Lcores.Select(_ => new History(HistorySeconds))];
    }

    /// <summary>From one redraw to the next.</summary>
    public static TimeSpan Period { get; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public void Show(StatisticsSnapshot earlier, StatisticsSnapshot now)
    {
        _text.Clear().Append(_started ? "" : HideCursor + ClearScreen).Append(Home);
        foreach (string line in Render(earlier, now).Split('\n'))
            _text.Append(line).Append(ClearRestOfLine).Append('\n');
        _text.Length--;
        _output.Write(_text.Append(ClearBelow).ToString());
        _started = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_started)
            _output.Write(ShowCursor + "\n");
    }

    /// <summary>Renders the tables, without moving the cursor.</summary>
    internal string Render(StatisticsSnapshot earlier, StatisticsSnapshot now)
    {
        int width = _width();
        int graphWidth = GraphWidth(width);
        double seconds = Stopwatch.GetElapsedTime(earlier.Timestamp, now.Timestamp).TotalSeconds;
        using var writer = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        console.Write(Ports(earlier, now, seconds, graphWidth));
        console.Write(Lcores(earlier, now, graphWidth));
        return writer.ToString().TrimEnd('\n');
    }

    /// <summary>
    /// Columns that a whole history fills, at one, two, three... seconds per column, as many as there is room for.
    /// </summary>
    private static int GraphWidth(int terminalWidth)
    {
        int room = Math.Clamp(terminalWidth - NumbersWidth, MinGraphWidth, HistorySeconds);
        int secondsPerColumn = (HistorySeconds + room - 1) / room;
        return HistorySeconds / secondsPerColumn;
    }

    private Table Ports(StatisticsSnapshot earlier, StatisticsSnapshot now, double seconds, int graphWidth)
    {
        Table table = NewTable(
            "Port", "Link", "RX Mpps", "RX Gbit/s", "TX Mpps", "TX Gbit/s", "Drops/s", "RX, last minute");
        for (int i = 0; i < now.Ports.Length; i++)
        {
            double received = Rates.PerSecond(earlier.Ports[i].Received, now.Ports[i].Received, seconds);
            _portHistories[i].Add(received);
            string link = _source.Ports[i].GetLink().IsUp ? "[green]up[/]" : "[red]down[/]";
            string graph = _portHistories[i].Draw(graphWidth);
            AddRow(table, $"{_source.Ports[i].Id}", link, earlier.Ports[i], now.Ports[i], seconds, graph);
        }

        AddRow(table, "all", "", earlier.Total, now.Total, seconds, "");
        return table;
    }

    private Table Lcores(StatisticsSnapshot earlier, StatisticsSnapshot now, int graphWidth)
    {
        Table table = NewTable("Lcore", "CPU", "Busy", "Busy, last minute");
        for (int i = 0; i < now.Lcores.Length; i++)
        {
            double busy = LcoreTime.BusyShare(earlier.Lcores[i], now.Lcores[i]);
            _lcoreHistories[i].Add(busy);
            table.AddRow(
                Cell($"{_source.Lcores[i].Lcore.Id}"),
                Cell(_source.Lcores[i].Lcore.Cpus.ToString()),
                Cell($"{busy:0.0%}"),
                Cell(_lcoreHistories[i].Draw(graphWidth)));
        }

        return table;
    }

    private static void AddRow(
        Table table, string name, string link, in PortCounts earlier, in PortCounts now, double seconds, string graph)
    {
        double drops = Rates.PerSecond(earlier.Dropped, now.Dropped, seconds);
        table.AddRow(
            Cell(name),
            Cell(link),
            Cell(Millions(earlier.Received, now.Received, seconds)),
            Cell(Gigabits(earlier.Device.InputBytes, now.Device.InputBytes, seconds)),
            Cell(Millions(earlier.Sent, now.Sent, seconds)),
            Cell(Gigabits(earlier.Device.OutputBytes, now.Device.OutputBytes, seconds)),
            Cell(drops >= 1 ? $"[red]{drops:N0}[/]" : "0"),
            Cell(graph));
    }

    private static string Millions(ulong earlier, ulong now, double seconds) =>
        $"{Rates.PerSecond(earlier, now, seconds) / 1e6:0.000}";

    private static string Gigabits(ulong earlier, ulong now, double seconds) =>
        $"{8 * Rates.PerSecond(earlier, now, seconds) / 1e9:0.000}";

    private static Table NewTable(params ReadOnlySpan<string> headings)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        foreach (string heading in headings)
            table.AddColumn(new TableColumn(new Markup(heading)).RightAligned().NoWrap());
        return table;
    }

    private static Markup Cell(string markup) => new(markup);
}
