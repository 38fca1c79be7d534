using Dataplane.Packets;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests;

/// <summary>Frames of the suites.</summary>
internal static class TestFrames
{
    private static int s_markers;

    /// <summary>A station that is none of ours.</summary>
    public static MacAddress Stranger { get; } = new([0x02, 0, 0, 0, 0xDD, 0x02]);

    /// <summary>A multicast group.</summary>
    public static MacAddress Group { get; } = new([0x01, 0x00, 0x5E, 0x01, 0x02, 0x03]);

    /// <summary>All stations.</summary>
    public static MacAddress Broadcast { get; } = new([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);

    /// <summary>A frame like no other of the process.</summary>
    public static byte[] Marker(MacAddress destination)
    {
        byte[] frame = To(destination, 60, Interlocked.Increment(ref s_markers));
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
