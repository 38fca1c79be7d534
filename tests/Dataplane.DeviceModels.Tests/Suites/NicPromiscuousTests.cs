using Dataplane.Packets;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>NICs that can be told to receive frames for any station.</summary>
/// <inheritdoc/>
public abstract class NicPromiscuousTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Frames_for_others_arrive_as_long_as_they_are_wanted(bool setBeforeStart) => Run(bed =>
    {
        if (setBeforeStart)
            bed.Port.Promiscuous = true;
        bed.Start();
        bed.Port.Promiscuous = true;
        AssertArrives(bed, TestFrames.Stranger, TestFrames.Group, TestFrames.Broadcast);
        bed.Port.Stop();
        bed.Port.Start();
        AssertArrives(bed, TestFrames.Stranger, TestFrames.Group, TestFrames.Broadcast);
        bed.Port.AllMulticast = true;
        bed.Port.Promiscuous = false;
        AssertArrives(bed, TestFrames.Group, TestFrames.Broadcast);
        bed.Port.Stop();
        bed.Port.Start();
        AssertArrives(bed, TestFrames.Group, TestFrames.Broadcast);
        bed.Port.AllMulticast = false;
        AssertArrives(bed, TestFrames.Broadcast);
    });

    private static void AssertArrives(NicTestBed bed, params MacAddress[] wanted)
    {
        foreach (MacAddress destination in new[] { TestFrames.Stranger, TestFrames.Group, TestFrames.Broadcast })
            bed.Wire.Send(TestFrames.To(destination, 60));
        Assert.Equal(
            wanted.Select(destination => destination.ToString()),
            bed.ReceiveUntilMarker().Select(frame => new MacAddress(frame.AsSpan(0, 6)).ToString()));
    }
}
