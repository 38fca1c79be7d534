using System.Text.RegularExpressions;
using L2Fwd.Statistics;

namespace L2Fwd.Tests.Statistics;

public partial class LiveViewTests
{
    [Fact]
    public void Ports_and_lcores_have_a_line_each_with_rates_and_a_graph()
    {
        using var forwarding = new TestForwarding("net_null0", "net_null1");
        using var view = new LiveView(forwarding.Source, new Texts().Output, () => 100);
        forwarding.Forward(packets: 100_000);

        string[] lines = EscapeCodes().Replace(view.Render(forwarding.Earlier, forwarding.Capture()), "").Split('\n');

        Assert.Contains(lines, line => line.Contains("│ RX Mpps │ RX Gbit/s │", StringComparison.Ordinal));
        Assert.Contains(lines, line => PortLine().IsMatch(line));
        Assert.Contains(lines, line => LcoreLine().IsMatch(line));
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 100));
    }

    [Fact]
    public void A_redraw_overwrites_in_one_write_and_never_clears_the_screen_again()
    {
        using var texts = new Texts();
        using var forwarding = new TestForwarding("net_null0", "net_null1");
        using var view = new LiveView(forwarding.Source, texts.Output, () => 100);

        view.Show(forwarding.Earlier, forwarding.Earlier);
        int first = texts.Text.Length;
        view.Show(forwarding.Earlier, forwarding.Earlier);

        string redraw = texts.Text[first..];
        Assert.StartsWith("\e[H", redraw, StringComparison.Ordinal);
        Assert.EndsWith("\e[K\e[J", redraw, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[2J", redraw, StringComparison.Ordinal);
        Assert.All(redraw.Split('\n')[..^1], line => Assert.EndsWith("\e[K", line, StringComparison.Ordinal));
    }

    [Fact]
    public void The_cursor_is_hidden_while_it_draws_and_given_back()
    {
        using var texts = new Texts();
        using var forwarding = new TestForwarding("net_null0", "net_null1");
        using (var view = new LiveView(forwarding.Source, texts.Output, () => 40))
            view.Show(forwarding.Earlier, forwarding.Earlier);

        Assert.StartsWith("\e[?25l", texts.Text, StringComparison.Ordinal);
        Assert.EndsWith("\e[?25h\n", texts.Text, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\e\[[0-9;]*m")]
    private static partial Regex EscapeCodes();

    [GeneratedRegex(@"^│ +1 │ +up │ +\d+\.\d{3} │ +\d+\.\d{3} │ +\d+\.\d{3} │ +\d+\.\d{3} │ +0 │ +█ │$")]
    private static partial Regex PortLine();

    [GeneratedRegex(@"^│ +3 │ +3 │ +\d+\.\d% │ +█ │$")]
    private static partial Regex LcoreLine();
}
