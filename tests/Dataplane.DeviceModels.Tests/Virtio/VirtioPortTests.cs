using Dataplane.DeviceModels.Tests.Qtest;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Nics.Virtio;
using Dataplane.Virtio;

namespace Dataplane.DeviceModels.Tests.Virtio;

/// <summary>What only net_virtio can be asked.</summary>
public sealed unsafe class VirtioPortTests
{
    private const string Modern = "disable-legacy=on,iommu_platform=on";

    // Where QEMU's virtio-pci has its structures: the common one starts the BAR, doorbells end it.
    private const int Bar = 4;
    private const int Doorbells = 0x3000;

    [Theory]
    [InlineData("disable-legacy=on")]
    [InlineData("disable-legacy=off")]
    public void A_device_whose_accesses_go_around_the_iommu_is_refused(string options)
    {
        var e = Assert.Throws<DataplaneException>(() => new NicTestBed(new VirtioModel { Options = options }));

        Assert.Contains("VIRTIO_F_ACCESS_PLATFORM", e.Problem, StringComparison.Ordinal);
        Assert.Contains("iommu_platform=on", e.Remedy!, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_without_a_modern_mode_is_refused()
    {
        var e = Assert.Throws<DataplaneException>(
            () => new NicTestBed(new VirtioModel { Options = "disable-legacy=off,disable-modern=on" }));

        Assert.Contains("1af4:1000 has no virtio 1.0 structure", e.Problem, StringComparison.Ordinal);
        Assert.Contains("disable-modern=off", e.Remedy!, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_pairs_are_negotiated_where_the_device_offers_them()
    {
        using var bed = new NicTestBed(new VirtioModel { Options = Modern + ",mq=on" }).Start();

        AssertPasses(bed);
        bed.AssertClean();
    }

    [Fact]
    public void The_device_says_its_mtu_and_speed()
    {
        using var bed = new NicTestBed(new VirtioModel { Options = Modern + ",host_mtu=1400,speed=25000,duplex=full" });
        Assert.Equal((1400, 1400), (bed.Port.Capabilities.MaxMtu, bed.Port.Mtu));
        bed.Start();
        Assert.Equal(new LinkStatus(IsUp: true, 25_000), bed.Port.GetLink());
        bed.AssertClean();
    }

    [Fact]
    public void The_speed_is_what_the_argument_says()
    {
        using var bed = new NicTestBed(new VirtioModel { Devargs = "speed=40000,vectorized=1" }).Start();
        Assert.Equal(new LinkStatus(IsUp: true, 40_000), bed.Port.GetLink());
        bed.AssertClean();
    }

    [Fact]
    public void Packed_rings_can_be_declined()
    {
        using var bed = new NicTestBed(new VirtioModel { Options = Modern + ",packed=on", Devargs = "packed_vq=0" }).Start();

        Assert.IsType<VirtioRxQueue<SplitDriverRing, PciNotifier<QtestRegisters>>>(bed.Port.RxQueues[0]);
        AssertPasses(bed);
        bed.AssertClean();
    }

    [Fact]
    public void Without_a_control_queue_frames_pass_and_the_address_stays()
    {
        using var bed = new NicTestBed(new VirtioModel { Options = Modern + ",ctrl_vq=off" }).Start();

        AssertPasses(bed);
        bed.Port.Promiscuous = true;
        var e = Assert.Throws<DataplaneException>(() => bed.Port.SetMacAddress(TestFrames.Stranger));
        Assert.Contains("VIRTIO_NET_F_CTRL_MAC_ADDR", e.Problem, StringComparison.Ordinal);
        bed.AssertClean();
    }

    [Fact]
    public void More_interrupting_queues_than_vectors_are_refused()
    {
        using var bed = new NicTestBed(new VirtioModel { Options = Modern + ",vectors=1" });

        Assert.Throws<DataplaneException>(() => bed.Start(configuration => configuration with { RxInterrupts = true }));
        bed.Start();
        AssertPasses(bed);
        bed.AssertClean();
    }

    [Theory]
    [InlineData("")]
    [InlineData(",vectors=0")]
    [InlineData(",vectors=1")]
    public void A_device_that_asks_for_a_reset_has_no_link_until_the_next_start(string vectors)
    {
        using var bed = new NicTestBed(new VirtioModel { Options = Modern + vectors }).Start();
        bool isDown = false;
        bed.Port.LinkChanged += (_, link) => Volatile.Write(ref isDown, !link.IsUp);

        // Many more available buffers than the ring has: QEMU takes the device for broken then.
        var queue = (VirtioTxQueue)bed.Port.TxQueues[0];
        ((AvailableRing*)queue.Addresses.Driver)->Index = 1000;
        queue.Kick();

        NicTestBed.WaitFor(() => Volatile.Read(ref isDown), "no event said that the link is down");
        Assert.False(bed.Port.GetLink().IsUp);
        NicTestBed.WaitFor(
            () => ((QtestMachine)bed.Machine).Complaints.Contains("virtio: ", StringComparison.Ordinal), "QEMU did not complain");
        bed.Port.Stop();
        bed.Port.Start();
        NicTestBed.WaitFor(() => bed.Port.GetLink().IsUp, "the link did not come up");
        AssertPasses(bed);
    }

    [Fact]
    public void Extended_statistics_have_the_names_of_dpdk()
    {
        using var bed = new NicTestBed(new VirtioModel()).Start();
        AssertPasses(bed);

        Dictionary<string, ulong> all = bed.Port.GetExtendedStatistics().ToDictionary(s => s.Name, s => s.Value);

        Assert.Equal((10u, 600u, 10u, 600u), (all["rx_q0_good_packets"], all["rx_q0_good_bytes"], all["tx_q0_good_packets"], all["tx_q0_good_bytes"]));
        bed.AssertClean();
    }

    [Fact]
    public void A_device_that_has_no_address_is_told_the_one_that_was_made_up()
    {
        // QEMU's always has one.
        var watch = new RegisterWatch
        {
            Read = (bar, offset, value) =>
                bar == Bar && offset == VirtioPciRegisters.DeviceFeature ? value & ~(uint)VirtioFeatures.NetMac : value,
        };
        using var bed = new NicTestBed(new VirtioModel { Watch = watch }).Start();

        Assert.NotEqual(bed.Model.MacAddress, bed.Port.MacAddress);
        AssertPasses(bed);
        bed.AssertClean();
    }

    [Fact]
    public void An_event_while_the_device_is_being_started_rings_no_doorbell()
    {
        var watch = new RegisterWatch();
        bool isLive = false;
        int events = 0;
        int early = 0;
        watch.Write = (bar, offset, value) =>
        {
            if (bar == Bar && offset == VirtioPciRegisters.DeviceStatus)
            {
                bool isStarted = ((VirtioStatus)value & VirtioStatus.DriverOk) != 0;
                if (isStarted)
                {
                    events++;
                    watch.OnEvent!();
                }

                isLive = isStarted;
            }
            else if (bar == Bar && offset >= Doorbells && !isLive)
            {
                early++;
            }
        };
        using var bed = new NicTestBed(new VirtioModel { Watch = watch }).Start();

        Assert.Equal((1, 0), (events, early));
        AssertPasses(bed);
        bed.AssertClean();
    }

    private static void AssertPasses(NicTestBed bed)
    {
        for (int i = 0; i < 10; i++)
        {
            byte[] frame = TestFrames.To(bed.Port.MacAddress, 60, i);
            bed.Wire.Send(frame);
            Assert.Equal(frame, bed.ReceiveFrame());
            bed.Send(frame);
            Assert.Equal(frame, bed.Wire.Receive());
        }
    }
}
