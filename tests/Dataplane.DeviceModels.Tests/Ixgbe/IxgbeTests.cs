using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Ixgbe;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>net_ixgbe against the model: what the suites do not ask.</summary>
public sealed unsafe class IxgbeTests
{
    private const ushort Sfp = 0x10FB, Backplane = 0x10F8, X540 = 0x1528, X550 = 0x1563;
    private const int CtrlExt = 0x18, Esdp = 0x20;
    private const uint LaserOff = 1u << 3, DriverLoaded = 1u << 28;

    [Fact]
    public void Every_device_is_known_to_one_driver()
    {
        PciId[] all = [.. NicDrivers.All.SelectMany(driver => driver.Devices).Select(device => device.Id)];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal("net_ixgbe", NicDrivers.Find(new PciId(0x8086, Sfp))?.Name);
        Assert.Equal("net_ixgbe_vf", NicDrivers.Find(new PciId(0x8086, 0x10ED))?.Name);
        // X552 needs a PHY driver, Hyper-V's VFs have no mailbox.
        Assert.Null(NicDrivers.Find(new PciId(0x8086, 0x15AC)));
        Assert.Null(NicDrivers.Find(new PciId(0x8086, 0x152E)));
    }

    [Theory]
    [InlineData(Sfp)]
    [InlineData(Backplane)]
    [InlineData(X540)]
    [InlineData(X550)]
    public void Each_device_starts_stops_and_starts_again(int device)
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical((ushort)device).Start();
        Assert.True(bed.Port.GetLink().IsUp);
        bed.Model.Deliver(TestFrames.To(ModelBed.Address, 60));
        Assert.Equal(1, bed.ReceiveAll());
        bed.Port.Stop();
        bed.Port.Start();
        bed.Model.Deliver(TestFrames.To(ModelBed.Address, 60));
        Assert.Equal(1, bed.ReceiveAll());
        Assert.Equal(2, bed.Model.Resets); // once when it was opened, once before the second start
        bed.AssertClean();
    }

    [Theory]
    [InlineData(Sfp, 3u << 28, 10_000u)]
    [InlineData(Sfp, 2u << 28, 1_000u)]
    [InlineData(Sfp, 1u << 28, 100u)]
    [InlineData(X550, 3u << 28, 10_000u)]
    [InlineData(X550, (3u << 28) | (1u << 27), 2_500u)]
    [InlineData(X550, (1u << 28) | (1u << 27), 5_000u)]
    public void The_link_has_the_speed_that_the_device_says(int device, uint bits, uint speed)
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical((ushort)device);
        bed.Model.SpeedBits = bits;
        bed.Start();
        Assert.Equal(new LinkStatus(IsUp: true, speed, FullDuplex: true, AutoNegotiated: true), bed.Port.GetLink());
    }

    [Fact]
    public void Stopping_darkens_the_fiber_and_starting_lights_it()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Start();
        Assert.Equal(0u, bed.Model.Peek(file => file[Esdp]) & LaserOff);
        bed.Port.Stop();
        Assert.Equal(LaserOff, bed.Model.Peek(file => file[Esdp]) & LaserOff);
        Assert.False(bed.Port.GetLink().IsUp);
        bed.Port.Start();
        Assert.True(bed.Port.GetLink().IsUp);
        bed.AssertClean();
    }

    [Fact]
    public void Asking_for_the_link_does_not_disturb_a_restart()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Backplane).Start();
        Assert.True(bed.Port.GetLink().IsUp);
        LinkStatus? link = null;
        int accesses = 0;
        bed.Model.WhileResetting = () =>
        {
            int before = bed.Model.Accesses;
            link = bed.Port.GetLink();
            accesses = bed.Model.Accesses - before;
        };
        bed.Port.Stop();
        bed.Port.Start();
        Assert.Equal((LinkStatus.Down, 0), (link, accesses));
        Assert.True(bed.Port.GetLink().IsUp);
        bed.AssertClean();
    }

    [Fact]
    public void A_stop_waits_for_whoever_is_asking_for_the_link()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Backplane).Start();
        Assert.True(bed.Port.GetLink().IsUp);
        using var asking = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var asker = new Thread(() => bed.Port.GetLink());
        bed.Model.BeforeRead = _ =>
        {
            if (Thread.CurrentThread != asker)
                return;
            asking.Set();
            goOn.Wait();
        };
        asker.Start();
        asking.Wait();
        int before = bed.Model.Accesses;
        var stopper = new Thread(bed.Port.Stop);
        stopper.Start();
        Assert.False(stopper.Join(TimeSpan.FromMilliseconds(300)));
        Assert.Equal(before, bed.Model.Accesses);
        goOn.Set();
        asker.Join();
        stopper.Join();
        bed.AssertClean();
    }

    [Fact]
    public void The_laser_is_left_alone_where_it_is_told_to_be()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Open(",fiber_sdp3_no_tx_disable=1");
        uint before = bed.Model.Peek(file => file[Esdp]);
        bed.Start();
        bed.Port.Stop();
        Assert.Equal(before, bed.Model.Peek(file => file[Esdp]));
    }

    [Fact]
    public void A_link_that_firmware_needs_is_not_taken_down()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp);
        bed.Model.HasVeto = true;
        bed.Start();
        bed.Port.Stop();
        Assert.Equal(0u, bed.Model.Peek(file => file[Esdp]) & LaserOff);
        bed.AssertClean();
    }

    [Fact]
    public void Requests_that_are_stuck_are_flushed_and_the_device_reset_twice()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp);
        bed.Model.IsStuck = true;
        bed.Start();
        Assert.Equal(2, bed.Model.Resets);
        bed.AssertClean();
    }

    [Theory]
    [InlineData(Sfp, 1u << 3)]
    [InlineData(X540, 1u << 1)]
    public void What_firmware_never_gives_back_is_taken_after_a_while(int device, uint resource)
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical((ushort)device);
        bed.Model.FirmwareHolds = resource;
        bed.Start();
        Assert.True(bed.Port.GetLink().IsUp);
    }

    [Fact]
    public void A_device_that_does_not_answer_is_named()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp);
        bed.Model.IsGone = true;
        var exception = Assert.Throws<DataplaneException>(() => bed.Open());
        Assert.StartsWith("0000:03:00.0 does not answer", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_without_an_address_is_named_and_left_to_its_firmware()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp, address: TestFrames.Group);
        var exception = Assert.Throws<DataplaneException>(() => bed.Open());
        Assert.StartsWith("0000:03:00.0 has no MAC address", exception.Message, StringComparison.Ordinal);
        Assert.Equal(0u, bed.Model.Peek(file => file[CtrlExt]) & DriverLoaded);
        Assert.Empty(bed.Model.Complaints);
    }

    [Fact]
    public void Frames_that_find_no_room_are_missed()
    {
        const int Frames = 500, Length = 1514, Buffer = 512 << 10;
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Start();
        for (int i = 0; i < Frames; i++)
            bed.Model.Deliver(TestFrames.To(ModelBed.Address, Length, i));
        // The ring has them, then the packet buffer; the rest is lost.
        int kept = 63 + (Buffer / Length);
        PortStatistics statistics = bed.Port.GetStatistics();
        Assert.InRange(statistics.InputMissed, (ulong)(Frames - kept - 32), (ulong)(Frames - kept + 32));
        Assert.Equal(Frames, bed.ReceiveAll() + (int)statistics.InputMissed);
        bed.AssertClean();
        Assert.Equal(statistics.InputMissed, statistics.InputMissed);
    }

    [Fact]
    public void One_of_several_queues_drops_when_it_is_full_and_does_not_hold_up_the_others()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Start(c => c with { RxQueues = 2 });
        for (int i = 0; i < 200; i++)
            bed.Model.Deliver(TestFrames.To(ModelBed.Address, 60, i)); // no IP: queue 0
        IpFrame[] flows = [.. Enumerable.Range(0, 20).Select(i => IpFrame.Kinds[0] with { Flow = (ushort)i, Destination = ModelBed.Address })];
        foreach (IpFrame flow in flows)
            bed.Model.Deliver(flow.Create());
        int others = bed.ReceiveAll(queue: 1);
        Assert.InRange(others, 1, 19);
        int first = bed.ReceiveAll();
        Assert.Equal(220ul, (ulong)(first + others) + bed.Port.GetStatistics().InputMissed);
        bed.AssertClean();
    }

    [Fact]
    public void Frames_that_are_too_long_are_errors()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Start();
        bed.Model.Deliver(TestFrames.To(ModelBed.Address, 1515));
        Assert.Equal(0, bed.ReceiveAll());
        Assert.Equal(1ul, bed.Port.GetStatistics().InputErrors);
        Assert.Equal(1ul, Extended(bed.Port, "rx_oversize_errors"));
        bed.Port.ResetStatistics();
        Assert.Equal(0ul, bed.Port.GetStatistics().InputErrors);
        bed.AssertClean();
    }

    [Fact]
    public void Extended_statistics_have_the_names_that_DPDK_gives_them()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Start();
        bed.Model.Deliver(TestFrames.To(TestFrames.Broadcast, 200));
        bed.Model.Deliver(TestFrames.To(TestFrames.Group, 60));
        Assert.Equal(1ul, Extended(bed.Port, "rx_broadcast_packets"));
        Assert.Equal(1ul, Extended(bed.Port, "rx_multicast_packets"));
        Assert.Equal(1ul, Extended(bed.Port, "rx_size_64_packets"));
        Assert.Equal(1ul, Extended(bed.Port, "rx_size_128_to_255_packets"));
        Assert.Equal(2ul, Extended(bed.Port, "rx_total_packets"));
        Assert.Equal(268ul, Extended(bed.Port, "rx_total_bytes"));
        // drivers/net/intel/ixgbe/ixgbe_ethdev.c, rte_ixgbe_stats_strings, without flow director and FCoE.
        string[] names =
        [
            "rx_crc_errors", "rx_illegal_byte_errors", "rx_error_bytes", "mac_local_errors", "mac_remote_errors",
            "rx_length_errors", "tx_xon_packets", "rx_xon_packets", "tx_xoff_packets", "rx_xoff_packets", "rx_size_64_packets",
            "rx_size_65_to_127_packets", "rx_size_128_to_255_packets", "rx_size_256_to_511_packets",
            "rx_size_512_to_1023_packets", "rx_size_1024_to_max_packets", "rx_broadcast_packets", "rx_multicast_packets",
            "rx_fragment_errors", "rx_undersize_errors", "rx_oversize_errors", "rx_jabber_errors", "rx_management_packets",
            "rx_management_dropped", "tx_management_packets", "rx_total_packets", "rx_total_bytes", "tx_total_packets",
            "tx_size_64_packets", "tx_size_65_to_127_packets", "tx_size_128_to_255_packets", "tx_size_256_to_511_packets",
            "tx_size_512_to_1023_packets", "tx_size_1024_to_max_packets", "tx_multicast_packets", "tx_broadcast_packets",
            "rx_mac_short_packet_dropped", "rx_l3_l4_xsum_error",
        ];
        Assert.Empty(names.Except(bed.Port.GetExtendedStatistics().Select(statistic => statistic.Name)));
    }

    [Theory]
    [InlineData(Sfp, 16)]
    [InlineData(X540, 16)]
    [InlineData(X550, 64)]
    public void All_queues_get_flows_and_the_hash_says_which(int device, int queues)
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical((ushort)device);
        bed.Open();
        Assert.Equal(queues, bed.Port.Capabilities.MaxRxQueues);
        bed.Start(c => c with { RxQueues = queues, TxQueues = queues, Offloads = PortOffloads.RxRssHash });
        for (int i = 0; i < 1500; i++)
            bed.Model.Deliver((IpFrame.Kinds[i % 4] with { Flow = (ushort)i, Destination = ModelBed.Address }).Create());
        int entries = queues == 64 ? 512 : 128;
        var burst = new Packet[32];
        for (int queue = 0; queue < queues; queue++)
        {
            int count = bed.Port.RxQueues[queue].Receive(burst);
            Assert.NotEqual(0, count);
            foreach (Packet packet in burst.AsSpan(0, count))
            {
                Assert.Equal(MbufFlags.RxRssHash, packet.Mbuf->Flags);
                int entry = (int)(packet.Mbuf->RssHash % entries);
                Assert.Equal(queue, (entry < 128 ? entry : entry - 128) % queues);
            }

            Packet.Free(burst.AsSpan(0, count));
        }

        bed.AssertClean();
    }

    [Fact]
    public void Frames_that_do_not_fit_a_buffer_need_scattering()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Start();
        var exception = Assert.Throws<DataplaneException>(() => bed.Port.SetMtu(9000));
        Assert.Contains("RxScatter", exception.Message, StringComparison.Ordinal);
        Assert.Equal(1500, bed.Port.Mtu);
        bed.AssertClean();
    }

    [Fact]
    public void What_a_dead_link_keeps_from_being_sent_does_not_keep_the_port_from_stopping()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Start();
        bed.Model.SetLink(up: false);
        bed.Send(TestFrames.To(TestFrames.Stranger, 60));
        bed.Port.Stop();
        Assert.Equal(0, bed.Pool.Statistics.InUse);
        bed.Model.SetLink(up: true);
        bed.Port.Start();
        bed.Send(TestFrames.To(TestFrames.Stranger, 61));
        Assert.Equal(61, Assert.Single(bed.Sent).Length);
        bed.AssertClean();
    }

    [Fact]
    public void A_receive_path_that_hangs_is_mended_by_the_reset()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp);
        bed.Model.HangsReceivePath = true;
        bed.Start();
        bed.Model.Deliver(TestFrames.To(ModelBed.Address, 60));
        Assert.Equal(1, bed.ReceiveAll());
        bed.Port.Dispose();
    }

    [Fact]
    public void A_tag_needs_no_lengths_but_a_checksum_does()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp);
        bed.Start(c => c with { Offloads = PortOffloads.TxVlanInsert | PortOffloads.TxIpChecksum });
        // As a received packet has them that was sent otherwise before.
        bed.Send(TestFrames.To(TestFrames.Stranger, 60), (MbufFlags.TxVlanInsert, L2: 500, L3: 600));
        Assert.Equal(64, Assert.Single(bed.Sent).Length);
        bed.Send(TestFrames.To(TestFrames.Stranger, 60), (MbufFlags.TxIpChecksum, L2: 0, L3: 20));
        bed.Send(TestFrames.To(TestFrames.Stranger, 60), (MbufFlags.TxIpChecksum, L2: 14, L3: 0));
        Assert.Single(bed.Sent);
        Assert.Equal(2UL, bed.Port.GetStatistics().OutputErrors);
        bed.AssertClean();
    }

    [Fact]
    public void A_single_queue_gives_the_hash_if_it_is_asked_for_it()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Start(c => c with { Offloads = PortOffloads.RxRssHash });
        bed.Model.Deliver((IpFrame.Kinds[0] with { Flow = 7, Destination = ModelBed.Address }).Create());
        var burst = new Packet[1];
        Assert.Equal(1, bed.Port.RxQueues[0].Receive(burst));
        Assert.Equal(MbufFlags.RxRssHash, burst[0].Mbuf->Flags);
        burst[0].Free();
        bed.AssertClean();
    }

    [Fact]
    public void More_waking_queues_than_vectors_are_refused()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp, vectors: 3);
        var exception = Assert.Throws<DataplaneException>(() => bed.Start(c => c with { RxQueues = 3, RxInterrupts = true }));
        Assert.Contains("2 interrupt vectors for rx queues, not 3", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_link_interrupts_without_messages_too()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Backplane, vectors: 1).Start();
        Assert.False(bed.Port.Capabilities.HasRxInterrupts);
        Assert.True(bed.Port.GetLink().IsUp);
        bool? last = null;
        bed.Port.LinkChanged += (_, link) => last = link.IsUp;
        bed.Model.SetLink(up: false);
        NicTestBed.WaitFor(() => last == false, "no event");
        bed.Model.SetLink(up: true);
        NicTestBed.WaitFor(() => last == true, "no event");
        bed.AssertClean();
    }

    [Fact]
    public void A_device_without_any_interrupt_is_polled_for_its_link()
    {
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(X540, vectors: 0).Start();
        Assert.True(bed.Port.GetLink().IsUp);
        bed.Model.SetLink(up: false);
        Assert.False(bed.Port.GetLink().IsUp);
        bed.AssertClean();
    }

    /// <summary>Whatever a broken device writes back: no crash, no lost buffer, and it works again behind a restart.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nonsense_in_descriptors_neither_crashes_nor_leaks(bool chains)
    {
        PortOffloads offloads = chains ? PortOffloads.RxScatter | PortOffloads.RxVlanStrip | PortOffloads.RxL4Checksum : PortOffloads.None;
        using ModelBed<IxgbeModel> bed = ModelBed.Physical(Sfp).Start(c => c with { Offloads = offloads });
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            bed.Model.WriteBack = words => random.Next(4) switch
            {
                0 => words,
                1 => words with { High = words.High & ~2ul }, // the frame never ends
                2 => (words.Low, (words.High & ~(0xFFFFul << 32)) | ((ulong)random.Next(65536) << 32)), // any length
                _ => ((ulong)random.NextInt64(), (ulong)random.NextInt64() | 1), // anything at all
            };
            for (int i = 0; i < 200; i++)
            {
                bed.Model.Deliver(TestFrames.To(ModelBed.Address, random.Next(60, 1515), i));
                if (i % 50 == 49)
                    Look(bed);
            }

            bed.Model.WriteBack = words => words;
            bed.Port.Stop();
            Assert.Equal(0, bed.Pool.Statistics.InUse);
            bed.Port.Start();
            bed.Model.Deliver(TestFrames.To(ModelBed.Address, 100));
            Assert.Equal(1, bed.ReceiveAll());
        }

        bed.AssertClean();
    }

    /// <summary>Uses what came as a program does: every byte that a packet says it has.</summary>
    private static void Look(ModelBed<IxgbeModel> bed)
    {
        var burst = new Packet[32];
        int count;
        while ((count = bed.Port.RxQueues[0].Receive(burst)) != 0)
        {
            foreach (Packet packet in burst.AsSpan(0, count))
            {
                Assert.True(packet.Length <= packet.SegmentCount * bed.Pool.DataRoom, "a packet has more bytes than its buffers");
                _ = NicTestBed.Content(packet);
            }

            Packet.Free(burst.AsSpan(0, count));
        }
    }

    private static ulong Extended(Port port, string name) =>
        Assert.Single(port.GetExtendedStatistics(), statistic => statistic.Name == name).Value;
}
