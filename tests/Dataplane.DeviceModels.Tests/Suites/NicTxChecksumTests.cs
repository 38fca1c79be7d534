using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>NICs that fill in checksums.</summary>
/// <inheritdoc/>
public abstract unsafe class NicTxChecksumTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    private const PortOffloads Checksums = PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum;

    [Fact]
    public void Checksums_are_filled_in_for_each_kind_of_packet() => Run(bed =>
    {
        Start(bed);
        foreach (IpFrame kind in IpFrame.Kinds)
        {
            IpFrame[] frames = [.. Enumerable.Range(0, 20).Select(i => kind with { PayloadLength = 30 + (i * 70) })];
            AssertFinished(bed, frames);
        }
    });

    [Fact]
    public void Kinds_mix_with_each_other_and_with_finished_frames() => Run(bed =>
    {
        Start(bed);
        for (int round = 0; round < 20; round++)
        {
            AssertFinished(bed, [.. Enumerable.Range(0, 24).Select(i => IpFrame.Kinds[((i * 7) + round) % 4])], unfinished: i => i % 5 != 0);
        }
    });

    [Fact]
    public void Packets_without_a_flag_are_left_alone() => Run(bed =>
    {
        Start(bed);
        AssertLeave(bed, IpFrame.Kinds.Select(kind => kind.CreateUnfinished()));
        AssertLeave(bed, FromPort(10));
    });

    private static void Start(NicTestBed bed) => bed.Start(configuration => configuration with { Offloads = Checksums });

    private static void AssertFinished(NicTestBed bed, IpFrame[] frames, Func<int, bool>? unfinished = null)
    {
        Packet[] packets = [.. frames.Select((frame, i) => Create(bed, frame, unfinished?.Invoke(i) ?? true))];
        bed.Send(packets);
        AssertOnWire(bed.Wire, frames.Select(frame => frame.Create()));
    }

    private static Packet Create(NicTestBed bed, IpFrame frame, bool unfinished)
    {
        if (!unfinished)
            return bed.CreatePacket(frame.Create());
        Packet packet = bed.CreatePacket(frame.CreateUnfinished());
        packet.Mbuf->L2Length = IpFrame.L2Length;
        packet.Mbuf->L3Length = (ushort)frame.L3Length;
        packet.Mbuf->Flags = (frame.IsTcp ? MbufFlags.TxTcpChecksum : MbufFlags.TxUdpChecksum)
            | (frame.IsIpv6 ? MbufFlags.TxIpv6 : MbufFlags.TxIpChecksum);
        return packet;
    }
}
