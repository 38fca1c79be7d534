using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>NICs that check the checksums of what they receive.</summary>
/// <inheritdoc/>
public abstract unsafe class NicRxChecksumTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    [Fact]
    public void Checksums_are_found_good_or_bad() => Run(bed =>
    {
        Start(bed);
        foreach (IpFrame kind in IpFrame.Kinds)
        {
            IpFrame frame = kind with { Destination = bed.Port.MacAddress };
            MbufFlags ip = kind.IsIpv6 ? MbufFlags.None : MbufFlags.RxIpChecksumGood;
            Assert.Equal(ip | MbufFlags.RxL4ChecksumGood, FlagsOf(bed, frame.Create()));
            Assert.Equal(ip | MbufFlags.RxL4ChecksumBad, FlagsOf(bed, Spoil(frame.Create(), frame.L4Checksum)));
            if (!kind.IsIpv6)
            {
                MbufFlags flags = FlagsOf(bed, Spoil(frame.Create(), IpFrame.IpChecksum));
                Assert.Equal(MbufFlags.RxIpChecksumBad, flags & (MbufFlags.RxIpChecksumBad | MbufFlags.RxIpChecksumGood));
            }
        }
    });

    [Fact]
    public void Frames_that_are_not_ip_have_nothing_to_be_checked() => Run(bed =>
    {
        Start(bed);
        AssertArrive(bed, ToPort(bed, 10));
    });

    [Fact]
    public void Nothing_is_said_of_checksums_unless_it_is_asked_for() => Run(bed =>
    {
        bed.Start();
        AssertArrive(bed, IpFrame.Kinds.Select(kind => (kind with { Destination = bed.Port.MacAddress }).Create()));
    });

    private static void Start(NicTestBed bed) =>
        bed.Start(configuration => configuration with { Offloads = PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum });

    private static MbufFlags FlagsOf(NicTestBed bed, byte[] frame)
    {
        bed.Wire.Send(frame);
        Packet packet = bed.Receive(1)[0];
        AssertSame(frame, NicTestBed.Content(packet));
        MbufFlags flags = packet.Mbuf->Flags;
        packet.Free();
        return flags;
    }

    private static byte[] Spoil(byte[] frame, int offset)
    {
        frame[offset] ^= 0x10;
        return frame;
    }
}
