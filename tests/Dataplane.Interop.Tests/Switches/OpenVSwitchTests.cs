using System.Diagnostics;
using Dataplane.Interop.Tests.Rig;
using Dataplane.Testing;
using Dataplane.Testing.Programs;

namespace Dataplane.Interop.Tests.Switches;

/// <summary>Our net_virtio_user ports are plugged into Open vSwitch, as those of a pod are.</summary>
public sealed class OpenVSwitchTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, 1, "server=1")]
    [InlineData(false, 2, "server=1")]
    [InlineData(false, 1, "server=1,packed_vq=1")]
    [InlineData(true, 1, "server=0")]
    public void Frames_of_all_sizes_cross_the_switch_byte_for_byte(bool switchListens, int queues, string keys)
    {
        using OpenVSwitch peer = OpenVSwitch.Start(_folder.FullName, switchListens);
        using var ours = OwnPorts.Start(Ports(keys, queues), queues);
        int[] lengths = [.. Enumerable.Range(60, 9018 - 59)];
        ours.WaitForLinks();
        peer.WaitUntilReady();
        foreach (int from in (int[])[0, 1])
            FrameExchange.WaitForPassage(ours, from, to: 1 - from, queues);
        foreach (int from in (int[])[0, 1])
            FrameExchange.Run(ours, from, to: 1 - from, queues, lengths);
    }

    [Theory]
    [InlineData(false, "server=1")]
    [InlineData(true, "server=0")]
    public void The_switch_is_killed_and_restarted_under_load(bool switchListens, string keys)
    {
        using OpenVSwitch peer = OpenVSwitch.Start(_folder.FullName, switchListens);
        using ConsoleProcess ours = OurL2Fwd.Start(Ports(keys));
        for (int round = 0; round < 3; round++)
        {
            WaitForTraffic(ours, peer);
            peer.Restart();
        }

        WaitForTraffic(ours, peer);
        Assert.Equal(0, ours.Interrupt());
    }

    [Theory]
    [InlineData(false, "server=1")]
    [InlineData(true, "server=0")]
    public void We_are_killed_and_restarted_under_load(bool switchListens, string keys)
    {
        using OpenVSwitch peer = OpenVSwitch.Start(_folder.FullName, switchListens);
        for (int round = 0; round < 4; round++)
        {
            using ConsoleProcess ours = OurL2Fwd.Start(Ports(keys));
            WaitForTraffic(ours, peer);
            ours.Kill();
        }
    }

    /// <summary>
    /// Frames go round between l2fwd and the switch until one of them is gone, so first there must be some.
    /// </summary>
    private static void WaitForTraffic(ConsoleProcess ours, OpenVSwitch peer)
    {
        const int Frames = 1000;
        IReadOnlyList<long> before = peer.ReadReceived();
        long start = Stopwatch.GetTimestamp();
        do
        {
            Assert.False(ours.HasExited, $"l2fwd ended: {ours.Output}");
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"no frames go round: {ours.Output}\n{peer.Output}");
            peer.Inject(TestFrame.Create(1000));
            Thread.Sleep(20);
        }
        while (peer.ReadReceived().Zip(before, (now, then) => now - then).Any(count => count < Frames));
    }

    private IReadOnlyList<string> Ports(string keys, int queues = 1) =>
        Pairing.Twice($"net_virtio_user#,path={_folder["v"]}#.sock,queues={queues},queue_size=1024,{keys}");
}
