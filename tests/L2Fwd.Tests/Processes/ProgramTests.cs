using System.Diagnostics;
using System.Text.Json;
using Dataplane.Eal;
using L2Fwd.CommandLine;

namespace L2Fwd.Tests.Processes;

public class ProgramTests
{
    private const string NullPorts = "--no-pci --no-huge --vdev net_null0 --vdev net_null1";

    [Theory]
    [InlineData("INT", 2)]
    [InlineData("TERM", 15)]
    public async Task A_signal_ends_it_with_DPDKs_lines_and_code_0(string signal, int number)
    {
        using var l2fwd = L2FwdProcess.Start($"-l 0 {NullPorts} -- -p 3 -q 2 -T 1");
        await l2fwd.WaitForOutputAsync("Total packets dropped");

        l2fwd.Signal(signal);

        Assert.Equal(0, await l2fwd.WaitForExitAsync());
        Assert.EndsWith(
            $"====\n\n\nSignal {number} received, preparing to exit...\n" +
            "Closing port 0... Done\nClosing port 1... Done\nBye...\n",
            l2fwd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once_when_it_cannot_end_in_order()
    {
        // Standard output is a pipe (of 64 KiB) that is almost full and that nobody reads: the control thread hangs.
        string command = $"head -c 65000 /dev/zero; exec {L2FwdProcess.Path} -l 0 {NullPorts} -- -p 3 -q 2 -T 1";
        var start = new ProcessStartInfo("sh", ["-c", command])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process l2fwd = Process.Start(start)!;
        while (await l2fwd.StandardError.ReadLineAsync() is { } line && line != "L2FWD:  -- lcoreid=0 portid=1")
        {
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        for (int signals = 0; !l2fwd.HasExited; signals++)
        {
            Assert.True(signals < 100, "signals do not end it");
            using (var kill = Process.Start("kill", ["-INT", $"{l2fwd.Id}"]))
                await kill.WaitForExitAsync(patience.Token);
            await Task.Delay(100, patience.Token);
        }

        Assert.Equal(128 + 2, l2fwd.ExitCode);
    }

    [Fact]
    public async Task Statistics_appear_though_the_main_lcore_owns_no_port()
    {
        using var l2fwd = L2FwdProcess.Start($"-l 0-1 --main-lcore 1 {NullPorts} -- -p 3 -q 2 -T 1");

        await l2fwd.WaitForAsync(() => l2fwd.Output.Split("Port statistics").Length > 2, "second screen");

        Assert.Contains("L2FWD: lcore 1 has nothing to do\n", l2fwd.Errors, StringComparison.Ordinal);
        Assert.Contains(
            "Lcore 0: RX port 0 TX port 1\nLcore 0: RX port 1 TX port 0\n", l2fwd.Output, StringComparison.Ordinal);
        string second = l2fwd.Output.Split("Port statistics")[2];
        Assert.DoesNotContain("Total packets received:              0", second, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_that_comes_twice_at_once_counts_once()
    {
        using var l2fwd = L2FwdProcess.Start($"-l 0 {NullPorts} -- -p 3 -q 2 -T 1");
        await l2fwd.WaitForOutputAsync("Port statistics");
        // As timeout(1) does: to the program, then to its process group.
        using var kill = Process.Start("sh", ["-c", $"kill -INT {l2fwd.Id}; kill -INT {l2fwd.Id}"]);

        Assert.Equal(0, await l2fwd.WaitForExitAsync());
        Assert.EndsWith("Bye...\n", l2fwd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Standard_error_has_DPDKs_lines_about_lcores()
    {
        using var l2fwd = L2FwdProcess.Start($"-l 0 {NullPorts} -- -p 3 -q 2 -T 1");
        await l2fwd.WaitForOutputAsync("Total packets dropped");

        Assert.EndsWith(
            "L2FWD: entering main loop on lcore 0\nL2FWD:  -- lcoreid=0 portid=0\nL2FWD:  -- lcoreid=0 portid=1\n",
            l2fwd.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task JSON_is_a_line_per_period_and_nothing_else_follows_the_start()
    {
        using var l2fwd = L2FwdProcess.Start($"-l 0 {NullPorts} -- -p 3 -q 2 -T 1 --stats=json");
        await l2fwd.WaitForAsync(() => l2fwd.Output.Split("\"total\"").Length > 2, "second line");
        l2fwd.Signal("TERM");
        await l2fwd.WaitForExitAsync();

        string statistics = l2fwd.Output.Split("FDX Fixed\n")[^1].Split("\n\nSignal 15")[0];
        string[] texts = statistics.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        JsonElement[] lines = [.. texts.Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.True(lines[1].GetProperty("total").GetProperty("rx_pps").GetUInt64() > 0);
        Assert.True(lines[1].GetProperty("lcores")[0].GetProperty("busy").GetDouble() > 0.5);
    }

    [Fact]
    public async Task Live_statistics_without_a_terminal_are_the_plain_screen_with_a_notice()
    {
        using var l2fwd = L2FwdProcess.Start($"-l 0 {NullPorts} -- -p 3 -q 2 -T 1 --stats=live");

        await l2fwd.WaitForOutputAsync("Aggregate statistics");

        Assert.Contains("L2FWD: --stats=live needs a terminal", l2fwd.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Live_statistics_are_a_table_on_a_terminal()
    {
        // script(1) of util-linux gives the program a terminal.
        string command =
            $"stty cols 110 rows 40; exec {L2FwdProcess.Path} -l 0 {NullPorts} -- -p 3 -q 2 --stats=live";
        using var l2fwd = L2FwdProcess.StartCommand("script", "-qefc", command, "/dev/null");
        await l2fwd.WaitForAsync(() => l2fwd.Output.Split("RX Mpps").Length > 2, "second table");

        Assert.Contains("│", l2fwd.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Port statistics", l2fwd.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_shows_the_options_of_EAL_and_of_the_program()
    {
        using var l2fwd = L2FwdProcess.Start("--help");

        Assert.Equal(0, await l2fwd.WaitForExitAsync());
        Assert.Equal($"{EalCommandLine.Help("l2fwd")}\n{Usage.Text}", l2fwd.Output);
    }

    [Fact]
    public async Task The_version_is_logged()
    {
        using var l2fwd = L2FwdProcess.Start("-v");
        await l2fwd.WaitForExitAsync();

        Assert.Matches(@"^EAL: RTE Version: 'Dataplane \d+\.\d+\.\d+", l2fwd.Errors);
    }

    [Fact]
    public async Task A_reader_that_goes_away_stops_nothing()
    {
        using var l2fwd = L2FwdProcess.StartCommand(
            "sh", "-c", $"{{ {L2FwdProcess.Path} -l 0 {NullPorts} -- -p 3 -q 2 -T 1; echo exit $? >&2; }} | head -n 1");
        await l2fwd.WaitForOutputAsync("MAC updating enabled\n");
        await l2fwd.WaitForAsync(() => l2fwd.Errors.Contains("portid=1", StringComparison.Ordinal), "main loop");

        using (var kill = Process.Start("kill", ["-TERM", FirstChild(FirstChild($"{l2fwd.Id}"))]))
            await kill.WaitForExitAsync();
        await l2fwd.WaitForExitAsync();

        Assert.EndsWith("exit 0\n", l2fwd.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SIGINT_ends_it_also_where_a_script_started_it_in_the_background()
    {
        // A shell without job control has its background commands ignore SIGINT; env --ignore-signal does the same.
        using L2FwdProcess l2fwd = L2FwdProcess.StartCommand(
            "env", "--ignore-signal=INT", L2FwdProcess.Path, "--no-huge", "--no-pci", "--vdev=net_null0", "--", "-p1");
        await l2fwd.WaitForOutputAsync("Port statistics");
        l2fwd.Signal("INT");
        Assert.Equal(0, await l2fwd.WaitForExitAsync());
        Assert.Contains("Signal 2 received", l2fwd.Output, StringComparison.Ordinal);
    }

    private static string FirstChild(string process) =>
        File.ReadAllText($"/proc/{process}/task/{process}/children").Split(' ')[0];
}
