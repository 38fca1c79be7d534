using System.Text.Json;
using System.Text.RegularExpressions;
using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Forwarding;

/// <summary>The published l2fwd on two NICs of a kind, started as a pod starts it.</summary>
public abstract partial class ForwardingTests<TFixture>(TFixture fixture, ITestOutputHelper output) : GuestTests<TFixture>(fixture, output)
    where TFixture : GuestFixture
{
    [Fact]
    public void Frames_of_every_size_come_out_of_the_other_port_with_new_addresses_until_SIGTERM()
    {
        using var l2fwd = GuestL2Fwd.Start(Guest);

        TrafficOf(l2fwd).Check(Traffic.Sizes);

        Assert.Equal(0, l2fwd.Terminate());
        Assert.EndsWith(
            "\n\nSignal 15 received, preparing to exit...\nClosing port 0... Done\nClosing port 1... Done\nBye...\n",
            l2fwd.Command.Output, StringComparison.Ordinal);
        Assert.Empty(Guest.Run("ls /mnt/huge"));
    }

    [Fact]
    public void Bursts_in_both_directions_are_counted_on_the_statistics_screen()
    {
        using var l2fwd = GuestL2Fwd.Start(Guest, GuestL2Fwd.PodArguments + " -T 1");

        const int Frames = 200;
        TrafficOf(l2fwd).CheckBurst(Frames, 60);

        string totals = $"Total packets sent: {2 * Frames,18}\nTotal packets received: {2 * Frames,14}\nTotal packets dropped: {0,15}\n";
        l2fwd.Command.WaitFor(() => l2fwd.Command.Output.Contains(totals, StringComparison.Ordinal), totals);
        Assert.Equal(0, l2fwd.Terminate());
    }

    [Fact]
    public void It_starts_again_after_SIGKILL()
    {
        using (var killed = GuestL2Fwd.Start(Guest))
        {
            TrafficOf(killed).CheckBurst(64, 1514);
            killed.Kill();
        }

        using var l2fwd = GuestL2Fwd.Start(Guest);
        TrafficOf(l2fwd).CheckBurst(64, 1514);
        Assert.Equal(0, l2fwd.Terminate());
    }

    [Fact]
    public void A_pulled_cable_is_seen_and_a_plugged_one_carries_frames_again()
    {
        using var l2fwd = GuestL2Fwd.Start(Guest, GuestL2Fwd.PodArguments + " --stats=json --stats-interval=100");

        SetLink(up: false);
        WaitForLink("down");
        SetLink(up: true);
        WaitForLink("up");
        TrafficOf(l2fwd).Check([60, 1514]);

        void WaitForLink(string link) => l2fwd.Command.WaitFor(() => LastLink(l2fwd.Command.Output) == link, $"link {link}");
    }

    [Fact]
    public void With_rx_interrupts_it_sleeps_until_a_frame_comes()
    {
        using var l2fwd = GuestL2Fwd.Start(Guest, GuestL2Fwd.PodArguments + " --rx-interrupt -T 0");
        Traffic traffic = TrafficOf(l2fwd);
        traffic.Check([60]);

        Thread.Sleep(500);
        TimeSpan before = ProcessorTime(l2fwd);
        Thread.Sleep(1000);
        TimeSpan used = ProcessorTime(l2fwd) - before;

        // Two polling lcores would have used two seconds.
        Assert.InRange(used, TimeSpan.Zero, TimeSpan.FromMilliseconds(500));
        traffic.Check([60, 1514]);
        traffic.CheckBurst(200, 60);
    }

    [Fact]
    public void A_device_that_the_host_wants_back_is_given_back_while_it_runs()
    {
        using var l2fwd = GuestL2Fwd.Start(Guest);
        string address = PortAddresses(l2fwd)[1];

        Guest.Run($"echo {address} >/sys/bus/pci/drivers/vfio-pci/unbind");

        l2fwd.Command.WaitFor(
            () => l2fwd.Command.Errors.Contains($"{address} must be given back: the host wants it back", StringComparison.Ordinal), "a word about it");
        Guest.Run(Devbind.Command($"--bind vfio-pci {address}"));
        Assert.Equal(0, l2fwd.Terminate());
    }

    private Traffic TrafficOf(GuestL2Fwd l2fwd) => new(Guest.Wires, l2fwd.MacAddresses);

    /// <summary>What it says of each port when it finds its driver.</summary>
    private static string[] PortAddresses(GuestL2Fwd l2fwd) => [.. ProbeLine().Matches(l2fwd.Command.Errors).Select(match => match.Groups["address"].Value)];

    [GeneratedRegex(" device: (?<address>[0-9a-f:.]+) ")]
    private static partial Regex ProbeLine();

    private void SetLink(bool up)
    {
        foreach (GuestNic nic in Guest.Nics)
            Guest.Qmp.SetLink(nic.Id, up);
    }

    /// <summary>What the last whole line of statistics says of both ports.</summary>
    private static string? LastLink(string output)
    {
        int end = output.LastIndexOf("}\n", StringComparison.Ordinal) + 1;
        string line = output[..end].Split('\n')[^1];
        if (!line.StartsWith('{'))
            return null;
        string[] links = [.. JsonDocument.Parse(line).RootElement.GetProperty("ports").EnumerateArray().Select(port => port.GetProperty("link").GetString()!)];
        return links[0] == links[1] ? links[0] : null;
    }

    /// <summary>Time that its lcores have spent on processors: fields 14 and 15 of proc(5)'s stat, in hundredths of a second.</summary>
    private TimeSpan ProcessorTime(GuestL2Fwd l2fwd)
    {
        IEnumerable<string[]> lcores =
            from line in Guest.Run($"cat /proc/{l2fwd.Command.Pid}/task/*/stat").Split('\n')
            where line.Contains("(lcore-", StringComparison.Ordinal)
            select line.Split(") ")[1].Split(' ');
        return TimeSpan.FromMilliseconds(lcores.Sum(fields => 10 * (long.Parse(fields[11]) + long.Parse(fields[12]))));
    }
}
