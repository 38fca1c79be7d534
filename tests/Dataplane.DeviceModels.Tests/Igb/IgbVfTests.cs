using Dataplane.DeviceModels.Tests.Qtest;
using Dataplane.DeviceModels.Tests.Suites;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Igb;

namespace Dataplane.DeviceModels.Tests.Igb;

/// <summary>A VF of QEMU's igb, with the host's PF played by <see cref="PhysicalFunction"/>.</summary>
public sealed class IgbVfModel : NicModel
{
    private static readonly MacAddress s_address = new([0x02, 0, 0, 0, 0x10, 0xCA]);

    public override QemuRelease Release => QemuRelease.WithIgb;

    public override string Device => "igb";

    public override int VirtualFunctions => 1;

    public override MacAddress PortMacAddress => s_address;

    public override bool WaitsForBuffers => false;

    /// <summary>QEMU's igb sends no interrupt of the mailbox for vector 0.</summary>
    public override bool HasLinkInterrupt => false;

    /// <summary>QEMU's igb has no RSS within a VF.</summary>
    public override bool SpreadsFlows => false;

    public override PortCapabilities Capabilities { get; } = new()
    {
        MaxRxQueues = 2,
        MaxTxQueues = 2,
        Offloads = PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum | PortOffloads.RxScatter
            | PortOffloads.TxVlanInsert | PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum | PortOffloads.TxMultiSegment,
        HasRxInterrupts = true,
        MaxMtu = 9706,
    };

    internal override INicDriver Driver { get; } = new IgbVfDriver();

    /// <summary>The PF that a test plays.</summary>
    internal PhysicalFunction? Host { get; private set; }

    internal override INicFunction FunctionOf(INicMachine machine) => machine.VirtualFunctions[0];

    internal override IDisposable Prepare(NicTestBed bed) =>
        Host = new PhysicalFunction((QtestFunction)bed.Machine.Nic, s_address);
}

public sealed class IgbVfNicTests : NicTests<IgbVfModel>;

public sealed class IgbVfPromiscuousTests : NicPromiscuousTests<IgbVfModel>;

public sealed class IgbVfJumboTests : NicJumboTests<IgbVfModel>;

public sealed class IgbVfTxChainTests : NicTxChainTests<IgbVfModel>;

public sealed class IgbVfRxChecksumTests : NicRxChecksumTests<IgbVfModel>;

public sealed class IgbVfTxChecksumTests : NicTxChecksumTests<IgbVfModel>;

public sealed class IgbVfRxInterruptTests : NicRxInterruptTests<IgbVfModel>;

/// <summary>What a VF and its PF say to each other.</summary>
public sealed class IgbVfTests
{
    private readonly IgbVfModel _model = new();

    [Fact]
    public void A_PF_reset_takes_the_link_away_until_the_port_is_started_again()
    {
        using var bed = new NicTestBed(_model);
        bed.Start();
        _model.Host!.Reset();
        NicTestBed.WaitFor(() => !bed.Port.GetLink().IsUp, "the link did not go down");
        bed.Port.Stop();
        bed.Port.Start();
        NicTestBed.WaitFor(() => bed.Port.GetLink().IsUp, "the link did not come back");
        byte[] frame = TestFrames.To(bed.Port.MacAddress, 60, 1);
        bed.Wire.Send(frame);
        Assert.Equal(frame, bed.ReceiveFrame());
        bed.AssertClean();
    }

    [Fact]
    public void A_PF_that_does_not_answer_is_named_with_what_mends_it()
    {
        using var bed = new NicTestBed(_model);
        bed.Port.Configure(new PortConfiguration(bed.Pool) { RxDescriptors = 64, TxDescriptors = 64 });
        _model.Host!.IsSilent = true;
        DataplaneException exception = Assert.Throws<DataplaneException>(bed.Port.Start);
        Assert.Contains("the PF does not answer", exception.Message, StringComparison.Ordinal);
        Assert.Equal(PortState.Stopped, bed.Port.State);
        _model.Host!.IsSilent = false;
        bed.Start();
        bed.AssertClean();
    }

    [Fact]
    public void A_refused_address_leaves_the_old_one()
    {
        using var bed = new NicTestBed(_model);
        bed.Start();
        _model.Host!.RefusesAddresses = true;
        var other = new MacAddress([0x02, 0, 0, 0, 0x77, 0x01]);
        Assert.Contains("refuses", Assert.Throws<DataplaneException>(() => bed.Port.SetMacAddress(other)).Message, StringComparison.Ordinal);
        Assert.Equal(_model.PortMacAddress, bed.Port.MacAddress);
        bed.AssertClean();
    }

    [Fact]
    public void An_address_that_a_stopped_port_is_given_counts_from_the_next_start_on()
    {
        using var bed = new NicTestBed(_model);
        bed.Start();
        bed.Port.Stop();
        // A PF does not listen to a VF that was reset and has not told it yet (Linux igb_rcv_msg_from_vf).
        _model.Host!.IsSilent = true;
        bed.Port.SetMacAddress(new MacAddress([0x02, 0, 0, 0, 0x77, 0x01]));
        _model.Host!.IsSilent = false;
        bed.Port.Start();
        byte[] frame = TestFrames.To(bed.Port.MacAddress, 60, 1);
        bed.Wire.Send(frame);
        Assert.Equal(frame, bed.ReceiveFrame());
        bed.AssertClean();
    }

    [Fact]
    public unsafe void A_tag_is_inserted_where_it_is_asked_for()
    {
        using var bed = new NicTestBed(_model);
        bed.Start(configuration => configuration with { Offloads = PortOffloads.TxVlanInsert });
        byte[] frame = TestFrames.To(TestFrames.Stranger, 60, 1);
        Packet packet = bed.CreatePacket(frame);
        packet.Mbuf->Flags |= MbufFlags.TxVlanInsert;
        packet.Mbuf->VlanTci = 0xAABC;
        bed.Send([packet]);
        Assert.Equal(TestFrame.Tag(frame, 0xAABC), bed.Wire.Receive());
        bed.AssertClean();
    }

    [Fact]
    public void A_PF_that_grants_groups_only_leaves_the_port_working()
    {
        using var bed = new NicTestBed(_model);
        bed.Start();
        _model.Host!.RefusesPromiscuous = true;
        bed.Port.Promiscuous = true;
        byte[] group = TestFrames.To(TestFrames.Group, 60, 1);
        bed.Wire.Send(TestFrames.To(TestFrames.Stranger, 60, 0));
        bed.Wire.Send(group);
        Assert.Equal([group], bed.ReceiveUntilMarker());
        bed.AssertClean();
    }
}
