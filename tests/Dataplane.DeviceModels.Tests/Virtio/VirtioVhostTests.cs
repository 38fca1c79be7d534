using System.Diagnostics;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests.Virtio;

/// <summary>
/// net_virtio at rings that QEMU leaves to DPDK's vhost: several queues, another implementation of the device's half, and
/// one that runs beside us. DPDK's testpmd sends back what it gets, on the queue where it got it, with addresses swapped.
/// </summary>
public sealed class VirtioVhostTests : IDisposable
{
    private const int Queues = 2;

    private readonly TemporaryFolder _folder = new();
    private Process? _peer;

    [SkippableTheory]
    [InlineData("packed=off")]
    [InlineData("packed=on")]
    [InlineData("mrg_rxbuf=off,indirect_desc=off")]
    [InlineData("packed=on,mrg_rxbuf=off,indirect_desc=off")]
    public void Every_queue_gets_back_what_it_sends(string properties)
    {
        using NicTestBed bed = Connect(properties);
        bed.Port.Promiscuous = true;
        bed.Start(configuration => configuration with { RxQueues = Queues, TxQueues = Queues });

        for (int round = 0; round < 50; round++)
        {
            for (int queue = 0; queue < Queues; queue++)
            {
                byte[][] frames = [.. Enumerable.Range(0, 20).Select(i => TestFrames.To(TestFrames.Stranger, 60 + (i * 70), (round * 20) + i))];
                bed.Send([.. frames.Select((frame, i) => bed.CreatePacket(frame, i % 3 == 0 ? 300 : int.MaxValue))], queue);
                Packet[] packets = bed.Receive(frames.Length, queue);
                foreach ((byte[] frame, Packet packet) in frames.Zip(packets))
                    Assert.Equal((byte[])[.. frame[6..12], .. frame[..6], .. frame[12..]], NicTestBed.Content(packet));
                Packet.Free(packets);
            }
        }

        for (int queue = 0; queue < Queues; queue++)
            Assert.Equal((1000u, 0u), (bed.Port.GetRxQueueStatistics(queue).Packets, bed.Port.GetRxQueueStatistics(queue).Errors));
        bed.Port.Dispose();
        Assert.Equal(0, bed.InUse);
    }

    [SkippableTheory]
    [InlineData("packed=off")]
    [InlineData("packed=on")]
    public unsafe void Checksums_are_finished_by_whoever_needs_them(string properties)
    {
        using NicTestBed bed = Connect(properties);
        bed.Port.Promiscuous = true;
        bed.Start(configuration => configuration with { Offloads = PortOffloads.RxL4Checksum | PortOffloads.TxL4Checksum });

        foreach (IpFrame kind in IpFrame.Kinds)
        {
            // Whatever the peer leaves unfinished in what it sends back is finished by us.
            Packet packet = bed.CreatePacket(kind.CreateUnfinished());
            packet.Mbuf->L2Length = IpFrame.L2Length;
            packet.Mbuf->L3Length = (ushort)kind.L3Length;
            packet.Mbuf->Flags |= kind.IsTcp ? MbufFlags.TxTcpChecksum : MbufFlags.TxUdpChecksum;
            bed.Send([packet]);
            byte[] expected = kind.Create();
            byte[] actual = bed.ReceiveFrame();
            Assert.Equal(expected[kind.L4Checksum..], actual[kind.L4Checksum..]);
        }
    }

    public void Dispose()
    {
        _peer?.Kill();
        _peer?.WaitForExit();
        _peer?.Dispose();
        _folder.Dispose();
    }

    private NicTestBed Connect(string properties)
    {
        Prerequisite.Require("dpdk-testpmd", "dpdk-dev");
        string socket = _folder["vhost.sock"];
        _peer = Process.Start(new ProcessStartInfo(
            "dpdk-testpmd",
            [
                "--lcores", "0@0,1@1", "--no-pci", "--no-telemetry", "--no-shconf", "--no-huge", "-m", "256",
                "--vdev", $"net_vhost0,iface={socket},queues={Queues},iommu-support=1",
                "--", $"--rxq={Queues}", $"--txq={Queues}", "--total-num-mbufs=4096", "--no-flush-rx",
                "--forward-mode=macswap", "--auto-start", "--stats-period=1000",
            ])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _peer.BeginOutputReadLine();
        _peer.BeginErrorReadLine();
        NicTestBed.WaitFor(() => File.Exists(socket) || _peer.HasExited, "testpmd did not start");
        return new NicTestBed(new VirtioModel
        {
            Options = $"disable-legacy=on,iommu_platform=on,mq=on,vectors={Queues + 2},{properties}",
            Peer =
            [
                "-chardev", $"socket,id=vhost,path={socket}",
                "-netdev", $"vhost-user,id=wire,chardev=vhost,queues={Queues}",
            ],
        });
    }
}
