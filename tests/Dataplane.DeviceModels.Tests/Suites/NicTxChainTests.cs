using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>NICs that send packets of several buffers.</summary>
/// <inheritdoc/>
public abstract class NicTxChainTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    [Theory]
    [InlineData(14)]
    [InlineData(60)]
    [InlineData(333)]
    [InlineData(1000)]
    public void Buffers_of_any_length_become_one_frame(int perSegment) => Run(bed =>
    {
        Start(bed);
        // Up to 16 buffers per frame.
        int sizes = Math.Min(1455, (perSegment * 15) - 59);
        AssertLeave(
            bed,
            Enumerable.Range(0, 300).Select(i => TestFrames.To(TestFrames.Stranger, 60 + (i * 37 % sizes), i)),
            perSegment);
    });

    [Fact]
    public void Chains_and_single_buffers_mix() => Run(bed =>
    {
        Start(bed);
        byte[][] frames = [.. Enumerable.Range(0, 320).Select(i => TestFrames.To(TestFrames.Stranger, 60 + (i * 31 % 1455), i))];
        foreach (byte[][] batch in frames.Chunk(32))
        {
            bed.Send([.. batch.Select((frame, i) => bed.CreatePacket(frame, i % 3 == 0 ? int.MaxValue : 200 + (i * 10)))]);
            AssertOnWire(bed.Wire, batch);
        }
    });

    [Fact]
    public void Chains_that_do_not_fit_the_ring_are_not_taken() => Run(bed =>
    {
        bed.Start(configuration => configuration with { TxDescriptors = 64, Offloads = PortOffloads.TxMultiSegment });
        byte[][] frames = [.. FromPort(40, 150)];
        Packet[] packets = [.. frames.Select(frame => bed.CreatePacket(frame, 15))];
        int taken = bed.Port.TxQueues[0].Send(packets);
        // Ten buffers each.
        Assert.InRange(taken, 1, 39);
        AssertOnWire(bed.Wire, frames[..taken]);
        bed.Send(packets.AsSpan(taken));
        AssertOnWire(bed.Wire, frames[taken..]);
    });

    private static void Start(NicTestBed bed) =>
        bed.Start(configuration => configuration with { Offloads = PortOffloads.TxMultiSegment });
}
