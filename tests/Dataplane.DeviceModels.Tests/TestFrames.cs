using Dataplane.Packets;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests;

/// <summary>Frames of the suites.</summary>
internal static class TestFrames
{
    private static int s_markers;

    /// <summary>A broadcast frame like no other of the process.</summary>
    public static byte[] Marker()
    {
        byte[] frame = TestFrame.Create(60, Interlocked.Increment(ref s_markers));
        frame.AsSpan(20).Fill(0x4D);
        return frame;
    }

    /// <summary>A frame whose every byte is known from its number and length, to one station.</summary>
    public static byte[] To(MacAddress destination, int length, int number = 0)
    {
        byte[] frame = TestFrame.Create(length, number);
        destination.CopyTo(frame);
        return frame;
    }
}
