using System.Diagnostics;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Peers;

namespace Dataplane.Vdev.Tests.VirtioUser;

/// <summary>The port against DPDK's net_vhost: testpmd sends back on its one port what it receives there.</summary>
public sealed class VirtioUserTestPmdTests : IDisposable
{
    private const int FramesAtOnce = 16;

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder["vhost.sock"];

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("", 1)]
    [InlineData("packed_vq=1", 1)]
    [InlineData("in_order=0", 31)]
    [InlineData("packed_vq=1,in_order=0", 31)]
    [InlineData("mrg_rxbuf=0", 31)]
    [InlineData("mrg_rxbuf=0,packed_vq=1,in_order=0", 31)]
    [InlineData("server=1,packed_vq=1", 31)]
    public void Frames_of_every_size_come_back_from_DPDK_byte_for_byte(string keys, int step)
    {
        Prerequisite.Require("dpdk-testpmd", "dpdk");
        bool isServer = keys.Contains("server=1", StringComparison.Ordinal);
        int longest = keys.Contains("mrg_rxbuf=0", StringComparison.Ordinal) ? 1518 : 9018;
        using var rig = new PeerRig(Device(keys));
        rig.Start();
        using Process peer = StartTestPmd(queues: 1, isClient: isServer);
        try
        {
            rig.WaitForLink(rig[0]);
            for (int length = 60; length <= longest; length += FramesAtOnce * step)
                Reflect(rig, [.. Enumerable.Range(0, FramesAtOnce).Select(i => Math.Min(length + (i * step), longest))]);
        }
        finally
        {
            peer.Kill();
            peer.WaitForExit();
        }

        rig.WaitForLink(rig[0], isUp: false);
        rig.WaitUntil(() => rig.Pool.Statistics.InUse == 0, "buffers are not back");
        Assert.Equal(0u, rig[0].GetStatistics().InputErrors);
    }

    [SkippableTheory]
    [InlineData("")]
    [InlineData("packed_vq=1")]
    public void Four_queues_have_their_traffic_each_with_DPDK(string keys)
    {
        Prerequisite.Require("dpdk-testpmd", "dpdk");
        using var rig = new PeerRig(Device($"queues=4,{keys}"));
        rig.Start(queues: 4);
        using Process peer = StartTestPmd(queues: 4, isClient: false);
        try
        {
            rig.WaitForLink(rig[0]);
            for (int queue = 0; queue < 4; queue++)
                Reflect(rig, [60, 1518, 4000, 9018], queue);
        }
        finally
        {
            peer.Kill();
            peer.WaitForExit();
        }
    }

    [SkippableTheory]
    [InlineData("packed_vq=1")]
    [InlineData("server=1")]
    public void DPDK_may_be_killed_and_started_again_under_load(string keys)
    {
        Prerequisite.Require("dpdk-testpmd", "dpdk");
        using var rig = new PeerRig(Device(keys));
        rig.Start();
        for (int round = 0; round < 3; round++)
        {
            using Process peer = StartTestPmd(queues: 1, isClient: keys.Contains("server=1", StringComparison.Ordinal));
            try
            {
                rig.WaitForLink(rig[0]);
                Reflect(rig, [60, 1518, 9018]);
                for (int i = 0; i < 1000; i++)
                    rig.TrySend(rig[0], TestFrame.Create(1518, i));
            }
            finally
            {
                peer.Kill();
                peer.WaitForExit();
            }

            rig.WaitForLink(rig[0], isUp: false);
            rig.WaitUntil(() => rig.Pool.Statistics.InUse == 0, "buffers are not back");
        }
    }

    [SkippableTheory]
    [InlineData("")]
    [InlineData("packed_vq=1")]
    public void The_port_may_stop_and_start_and_go_while_DPDK_stays(string keys)
    {
        Prerequisite.Require("dpdk-testpmd", "dpdk");
        using Process peer = StartTestPmd(queues: 1, isClient: false);
        try
        {
            for (int round = 0; round < 3; round++)
            {
                using var rig = new PeerRig(Device(keys));
                rig.Connect();
                Reflect(rig, [60, 1518, 9018]);
                rig[0].Stop();
                Assert.Equal(0, rig.Pool.Statistics.InUse);
                rig[0].Start();
                rig.WaitForLink(rig[0]);
                Reflect(rig, [9018, 60]);
                using Dataplane.Memory.Mempool more = rig.Runtime.CreateMempool(new() { Name = "more", Count = 4096, CacheSize = 0 });
                Reflect(rig, [64, 2000]);
            }
        }
        finally
        {
            peer.Kill();
            peer.WaitForExit();
        }
    }

    /// <summary>Sends frames, which come back as they are.</summary>
    private static void Reflect(PeerRig rig, int[] lengths, int queue = 0)
    {
        byte[][] frames = [.. lengths.Select((length, number) => TestFrame.Create(length, number))];
        foreach (byte[] frame in frames)
            rig.WaitUntil(() => rig.TrySend(rig[0], frame, queue), "the ring stays full");
        foreach (byte[] frame in frames)
            Assert.Equal(frame, rig.Receive(rig[0], queue));
    }

    private string Device(string keys) => $"net_virtio_user0,path={Path},{keys}".TrimEnd(',');

    /// <summary>testpmd, ready for a connection when its socket is there, or connecting by itself.</summary>
    private Process StartTestPmd(int queues, bool isClient)
    {
        if (!isClient)
            File.Delete(Path);
        Process process = Shell.Start(
            "dpdk-testpmd",
            "--lcores", "0@0,1@1", "--no-pci", "--no-huge", "--no-shconf", "-m", "256", "--log-level=1",
            $"--vdev=net_vhost0,iface={Path},queues={queues},client={(isClient ? 1 : 0)}",
            "--",
            "--port-topology=loop", "--forward-mode=io", "--auto-start", "--no-flush-rx", "--tx-offloads=0x8000", "--total-num-mbufs=8192",
            $"--rxq={queues}", $"--txq={queues}", "--stats-period=3600");
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
