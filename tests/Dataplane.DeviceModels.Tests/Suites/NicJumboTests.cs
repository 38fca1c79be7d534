using Dataplane.Memory;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>NICs with an MTU of 9000 and frames of several buffers.</summary>
/// <inheritdoc/>
public abstract class NicJumboTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    private const int Mtu = 9000;
    private const int LargestFrame = Mtu + 14;
    private const PortOffloads Chains = PortOffloads.RxScatter | PortOffloads.TxMultiSegment;

    [Fact]
    public void Frames_of_every_size_are_received_in_chained_buffers() => Run(bed =>
    {
        Start(bed);
        AssertArrive(bed, Enumerable.Range(60, LargestFrame - 59).Select(size => TestFrames.To(bed.Port.MacAddress, size, size)));
        AssertArrive(bed, [TestFrame.Tag(TestFrames.To(bed.Port.MacAddress, LargestFrame), 5)]);
    });

    [Fact]
    public void Frames_of_every_size_are_sent_from_chained_buffers() => Run(bed =>
    {
        Start(bed);
        AssertLeave(bed, Enumerable.Range(60, LargestFrame - 59).Select(size => TestFrames.To(TestFrames.Stranger, size, size)));
        AssertLeave(bed, [TestFrame.Tag(TestFrames.To(TestFrames.Stranger, LargestFrame), 5)]);
    });

    [Fact]
    public void Small_buffers_are_chained_too() => Run(
        bed =>
        {
            Start(bed);
            int[] sizes = [60, 1000, 1024, 1025, 2048, 9014, 61, 4096];
            AssertArrive(bed, sizes.Select(size => TestFrames.To(bed.Port.MacAddress, size, size)));
        },
        new MempoolOptions { Count = 4096, CacheSize = 32, DataRoom = 1024 });

    [Fact]
    public void One_large_buffer_takes_a_whole_frame() => Run(
        bed =>
        {
            Start(bed);
            AssertArrive(bed, new[] { 60, 9014, 2048, 2049, 61 }.Select(size => TestFrames.To(bed.Port.MacAddress, size, size)));
        },
        new MempoolOptions { Count = 1024, CacheSize = 32, DataRoom = 16 << 10 });

    [Fact]
    public void Chains_that_do_not_fit_the_ring_harm_no_other() => Run(bed =>
    {
        Start(bed);
        byte[][] frames = [.. ToPort(bed, 200, LargestFrame)];
        foreach (byte[] frame in frames)
            bed.Wire.Send(frame);
        Thread.Sleep(20);
        IReadOnlyList<byte[]> received = bed.ReceiveUntilMarker();
        // Models look for one free buffer, and drop what needs more.
        AssertNumbersRise(received, 0, frames.Length, mayLose: true);
        Assert.NotEmpty(received);
        foreach (byte[] frame in received)
            AssertSame(frames[TestFrame.NumberOf(frame)], frame);
        AssertArrive(bed, ToPort(bed, 10, LargestFrame));
    });

    [Fact]
    public void The_mtu_is_what_was_set_and_no_more_than_the_device_can() => Run(bed =>
    {
        Start(bed);
        Assert.Equal(Mtu, bed.Port.Mtu);
        Assert.Throws<DataplaneException>(() => bed.Port.SetMtu(bed.Port.Capabilities.MaxMtu + 1));
        bed.Port.Stop();
        bed.Port.SetMtu(1500);
        bed.Start();
        AssertArrive(bed, ToPort(bed, 10, 1514));
        AssertLeave(bed, FromPort(10, 1514));
    });

    private static void Start(NicTestBed bed)
    {
        bed.Port.SetMtu(Mtu);
        bed.Start(configuration => configuration with { Offloads = Chains });
    }
}
