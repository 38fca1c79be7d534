using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests.E1000;

/// <summary>What only these devices can be asked.</summary>
public sealed class E1000OwnTests
{
    [Fact]
    public void A_sibling_passes_frames()
    {
        using var bed = new NicTestBed(new E1000Model("e1000-82545em"));
        Assert.Equal(bed.Model.MacAddress, bed.Port.MacAddress);
        AssertPasses(bed.Start());
        bed.AssertClean();
    }

    [Theory]
    [InlineData(PortOffloads.TxVlanInsert)]
    [InlineData(PortOffloads.TxVlanInsert | PortOffloads.RxScatter)]
    public void Tags_stay_in_received_frames_though_the_device_strips_because_it_inserts(PortOffloads offloads)
    {
        foreach (E1000Model model in new[] { new E1000Model(), new E1000eModel() })
        {
            using var bed = new NicTestBed(model);
            bed.Start(configuration => configuration with { Offloads = offloads });
            for (int length = 60; length < 1514; length += 97)
            {
                byte[] frame = TestFrame.Tag(TestFrames.To(bed.Port.MacAddress, length), 0x6123);
                bed.Wire.Send(frame);
                Packet packet = bed.Receive(1)[0];
                Assert.Equal(frame, NicTestBed.Content(packet));
                unsafe
                {
                    Assert.Equal(MbufFlags.None, packet.Mbuf->Flags);
                }

                packet.Free();
            }

            bed.AssertClean();
        }
    }

    [Fact]
    public void Two_tx_queues_with_checksums_are_refused_because_they_share_a_context()
    {
        using var bed = new NicTestBed(new E1000eModel());
        var configuration = new PortConfiguration(bed.Pool) { TxQueues = 2, Offloads = PortOffloads.TxL4Checksum };
        DataplaneException refusal = Assert.Throws<DataplaneException>(() => bed.Port.Configure(configuration));
        Assert.Contains("one context", refusal.Message, StringComparison.Ordinal);
        bed.Port.Configure(configuration with { TxQueues = 1 });
        bed.Port.Configure(configuration with { Offloads = PortOffloads.None });
    }

    [Fact]
    public void Buffers_smaller_than_the_device_can_are_refused()
    {
        using var bed = new NicTestBed(new E1000Model(), new() { Count = 512, DataRoom = 255 });
        DataplaneException refusal = Assert.Throws<DataplaneException>(() => bed.Start());
        Assert.Contains("255 bytes", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("at least 256", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Frames_longer_than_the_device_can_and_packets_of_too_many_buffers_are_errors()
    {
        using var bed = new NicTestBed(new E1000eModel());
        bed.Port.SetMtu(9000);
        bed.Start(configuration => configuration with { Offloads = PortOffloads.TxMultiSegment });
        Packet[] packets =
        [
            bed.CreatePacket(new byte[9231]),
            bed.CreatePacket(new byte[60 * 33], 60),
            bed.CreatePacket(new byte[16]),
            bed.CreatePacket(TestFrames.To(TestFrames.Stranger, 60)),
        ];
        bed.Send(packets);
        Assert.Equal(TestFrames.To(TestFrames.Stranger, 60), bed.Wire.Receive());
        Assert.Equal(3ul, bed.Port.GetStatistics().OutputErrors);
        Assert.Equal(1ul, bed.Port.GetStatistics().OutputPackets);
        bed.AssertClean();
    }

    private static void AssertPasses(NicTestBed bed)
    {
        for (int i = 0; i < 100; i++)
        {
            byte[] frame = TestFrames.To(bed.Port.MacAddress, 60 + i, i);
            bed.Wire.Send(frame);
            Assert.Equal(frame, bed.ReceiveFrame());
            bed.Send(frame);
            Assert.Equal(frame, bed.Wire.Receive());
        }
    }
}
