using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>net_ixgbe_vf against the model and what its physical function's driver may say: what the suites do not ask.</summary>
public sealed class IxgbeVfTests
{
    private const ushort Vf82599 = 0x10ED, VfX540 = 0x1515, VfX550 = 0x1565;
    private const uint VfReset = 1, SetMac = 2, SetLpe = 5, Negotiate = 8, GetQueues = 9, UpdateMode = 0xC;

    [Theory]
    [InlineData(Vf82599)]
    [InlineData(VfX540)]
    [InlineData(VfX550)]
    [InlineData(0x15A8)]
    [InlineData(0x15C5)]
    public void Each_function_introduces_itself_in_order(int device)
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual((ushort)device);
        bed.Model.Parent.Assigned = ModelBed.Address;
        bed.Open();
        Assert.Equal([VfReset, Negotiate, GetQueues], bed.Model.Parent.Requests);
        bed.Start();
        Assert.Equal([SetMac, SetLpe, UpdateMode], bed.Model.Parent.Requests.Skip(3));
        Assert.Equal(ModelBed.Address, bed.Port.MacAddress);
        bed.Model.Deliver(TestFrames.To(ModelBed.Address, 60));
        Assert.Equal(1, bed.ReceiveAll());
        bed.AssertClean();
    }

    [Fact]
    public void A_function_without_an_address_takes_one_and_keeps_it()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(Vf82599).Start();
        MacAddress address = bed.Port.MacAddress;
        Assert.False(address.IsZero || address.IsMulticast);
        Assert.Contains(bed.Log.Lines, line => line.Contains($"takes {address}", StringComparison.Ordinal));
        bed.Port.Stop();
        bed.Port.Start();
        bed.Model.Deliver(TestFrames.To(address, 60));
        Assert.Equal(1, bed.ReceiveAll());
        bed.AssertClean();
    }

    [Theory]
    [InlineData(4u, 4)]
    [InlineData(3u, 4)]
    [InlineData(2u, 4)]
    [InlineData(0u, 1)]
    public void Old_physical_functions_are_talked_to_in_their_version(uint version, int queues)
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(VfX550);
        bed.Model.Parent.BestVersion = version;
        bed.Model.Parent.Queues = 4;
        bed.Open();
        Assert.Equal(queues, bed.Port.Capabilities.MaxRxQueues);
        Assert.Equal(queues, bed.Port.Capabilities.MaxTxQueues);
        bed.Start(c => c with { RxQueues = queues, TxQueues = queues });
        bed.Model.Deliver(TestFrames.To(TestFrames.Broadcast, 60));
        Assert.Equal(1, bed.ReceiveAll());
        bed.AssertClean();
    }

    [Fact]
    public void Queues_of_an_82599_spread_as_the_physical_function_is_set()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(Vf82599);
        bed.Model.Parent.Queues = 4;
        bed.Model.Parent.Assigned = ModelBed.Address;
        bed.Open().Start(c => c with { RxQueues = 4, TxQueues = 4 });
        for (int i = 0; i < 100; i++)
            bed.Model.Deliver((IpFrame.Kinds[0] with { Flow = (ushort)i, Destination = ModelBed.Address }).Create());
        int[] counts = [.. Enumerable.Range(0, 4).Select(queue => bed.ReceiveAll(queue))];
        Assert.Equal(100, counts.Sum());
        Assert.All(counts, count => Assert.NotEqual(0, count));
        bed.AssertClean();
    }

    [Fact]
    public void A_stopped_function_leaves_its_mailbox_alone_when_it_is_asked_for_its_link()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(VfX550).Start();
        Assert.True(bed.Port.GetLink().IsUp);
        bed.Port.Stop();
        int before = bed.Model.Accesses;
        Assert.False(bed.Port.GetLink().IsUp);
        Assert.Equal(before, bed.Model.Accesses);
        bed.Port.Start();
        Assert.True(bed.Port.GetLink().IsUp);
        bed.AssertClean();
    }

    [Fact]
    public void An_untrusted_function_is_told_what_would_make_it_promiscuous()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(VfX550).Start();
        var exception = Assert.Throws<DataplaneException>(() => bed.Port.Promiscuous = true);
        Assert.Contains("ip link set PF vf N trust on", exception.Message, StringComparison.Ordinal);
        Assert.False(bed.Port.Promiscuous);
        exception = Assert.Throws<DataplaneException>(() => bed.Port.AllMulticast = true);
        Assert.Contains("trust on", exception.Message, StringComparison.Ordinal);
        bed.AssertClean();
    }

    [Fact]
    public void Every_packet_refers_to_a_context_since_it_passes_the_switch()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(VfX550);
        bed.Start(c => c with { TxDescriptors = 64, Offloads = PortOffloads.TxVlanInsert });
        for (int i = 0; i < 100; i++)
            bed.Send(TestFrames.To(TestFrames.Stranger, 60, i), (i % 3 == 1 ? MbufFlags.TxVlanInsert : 0, L2: 0, L3: 0));
        Assert.Equal(100, bed.Sent.Count);
        bed.Port.Stop();
        bed.Port.Configure(new PortConfiguration(bed.Pool) { TxDescriptors = 64 });
        bed.Port.Start();
        for (int i = 0; i < 100; i++)
            bed.Send(TestFrames.To(TestFrames.Stranger, 60, i));
        Assert.Equal(200, bed.Sent.Count);
        bed.AssertClean();
    }

    [Fact]
    public void Broadcasts_arrive_from_physical_functions_that_leave_them_out_of_mode_0()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(Vf82599).Start();
        bed.Model.Deliver(TestFrames.To(TestFrames.Broadcast, 60));
        Assert.Equal(1, bed.ReceiveAll());
        bed.AssertClean();
    }

    [Fact]
    public void A_trusted_82599_function_has_all_multicast_but_not_everything()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(Vf82599);
        bed.Model.Parent.IsTrusted = true;
        bed.Start();
        bed.Port.AllMulticast = true;
        bed.Model.Deliver(TestFrames.To(TestFrames.Group, 60));
        Assert.Equal(1, bed.ReceiveAll());
        Assert.Throws<DataplaneException>(() => bed.Port.Promiscuous = true);
        bed.AssertClean();
    }

    [Fact]
    public void An_address_that_the_administrator_chose_is_not_changed_by_the_function()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(Vf82599);
        bed.Model.Parent.Assigned = ModelBed.Address;
        bed.Start();
        var exception = Assert.Throws<DataplaneException>(() => bed.Port.SetMacAddress(TestFrames.Stranger));
        Assert.Contains("ip link set PF vf N mac", exception.Message, StringComparison.Ordinal);
        Assert.Equal(ModelBed.Address, bed.Port.MacAddress);
        bed.AssertClean();
    }

    [Fact]
    public void A_longer_frame_than_the_physical_function_has_is_refused_with_what_raises_it()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(Vf82599);
        bed.Model.Parent.MostFrame = 1518;
        bed.Open();
        var exception = Assert.Throws<DataplaneException>(() => bed.Port.SetMtu(9000));
        Assert.Contains("ip link set PF mtu 9000", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_physical_function_that_is_down_is_named_as_the_reason()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(Vf82599);
        bed.Model.Parent.IsUp = false;
        var exception = Assert.Throws<DataplaneException>(() => bed.Open());
        Assert.Contains("ip link set PF up", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_physical_function_in_reset_is_named_as_the_reason()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(Vf82599);
        bed.Model.ResetParent(isBack: false);
        var exception = Assert.Throws<DataplaneException>(() => bed.Open());
        Assert.Contains("VFMAILBOX.RSTI", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0)]
    public void A_reset_of_the_physical_function_is_noticed_and_mended_by_a_restart(int vectors)
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(VfX550, vectors).Start();
        Assert.True(bed.Port.GetLink().IsUp);
        bed.Model.ResetParent();
        NicTestBed.WaitFor(() => !bed.Port.GetLink().IsUp, "the reset was not noticed");
        Assert.Single(bed.Log.Lines, line => line.Contains("no frames pass until the port is restarted", StringComparison.Ordinal));
        bed.Port.Stop();
        bed.Port.Start();
        Assert.True(bed.Port.GetLink().IsUp);
        bed.Model.Deliver(TestFrames.To(TestFrames.Broadcast, 60));
        Assert.Equal(1, bed.ReceiveAll());
        bed.AssertClean();
    }

    [Fact]
    public void Without_interrupts_for_it_the_full_check_finds_a_reset()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(Vf82599).Open(",pflink_fullchk=1").Start();
        bed.Model.Peek(_ => bed.Model.Interrupt = _ => { });
        bed.Model.ResetParent();
        Assert.False(bed.Port.GetLink().IsUp);
        bed.AssertClean();
    }

    [Fact]
    public void A_notice_between_a_request_and_its_answer_is_not_taken_for_the_answer()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(VfX550);
        bed.Model.Parent.IsTrusted = true;
        bed.Start();
        bed.Model.IsChatty = true;
        bed.Port.Promiscuous = true;
        bed.Model.Deliver(TestFrames.To(TestFrames.Stranger, 60));
        Assert.Equal(1, bed.ReceiveAll());
        bed.AssertClean();
    }

    [Fact]
    public void Counters_that_wrap_are_widened()
    {
        using ModelBed<IxgbeVfModel> bed = ModelBed.Virtual(VfX550);
        bed.Model.Parent.IsTrusted = true;
        bed.Start();
        bed.Port.AllMulticast = true;
        for (int i = 0; i < 40; i++)
            bed.Model.Deliver(TestFrames.To(TestFrames.Group, 60, i));
        Assert.Equal(40, bed.ReceiveAll());
        ulong counted = Assert.Single(bed.Port.GetExtendedStatistics(), s => s.Name == "rx_multicast_packets").Value;
        _ = bed.Port.GetStatistics();
        Assert.InRange(counted, 0ul, 40ul);
        Assert.Equal(40ul, Assert.Single(bed.Port.GetExtendedStatistics(), s => s.Name == "rx_multicast_packets").Value);
        bed.Port.Stop();
        bed.Port.Start();
        Assert.Equal(40ul, Assert.Single(bed.Port.GetExtendedStatistics(), s => s.Name == "rx_multicast_packets").Value);
        bed.AssertClean();
    }
}
