using Dataplane.Testing;
using Dataplane.Testing.Qemu;

namespace Dataplane.Vm.Tests.Forwarding;

/// <summary>Frames through two ports that forward to each other and rewrite addresses as l2fwd does.</summary>
/// <param name="wires">The cables of ports 0 and 1.</param>
/// <param name="macAddresses">The addresses of ports 0 and 1.</param>
internal sealed class Traffic(IReadOnlyList<Wire> wires, IReadOnlyList<byte[]> macAddresses)
{
    private const int AddressLength = 6;
    private static readonly byte[] s_type = [TestFrame.EtherType >> 8, TestFrame.EtherType & 0xFF];

    /// <summary>From the shortest frame to the longest, with every alignment.</summary>
    public static IReadOnlyList<int> Sizes { get; } = [60, 61, 62, 63, 64, 65, .. Enumerable.Range(1, 45).Select(i => 65 + (i * 32) + (i % 4)), 1513, 1514];

    /// <summary>Sends a frame of each size into each port, one at a time; each must come out of the other port.</summary>
    public void Check(IReadOnlyList<int> sizes)
    {
        for (int i = 0; i < sizes.Count; i++)
        {
            for (int from = 0; from < 2; from++)
            {
                Send(from, sizes[i], i);
                CheckNext(from, sizes[i], i);
            }
        }
    }

    /// <summary>Sends many frames into both ports at once; all must come out, in their order.</summary>
    public void CheckBurst(int count, int size)
    {
        for (int from = 0; from < 2; from++)
        {
            for (int i = 0; i < count; i++)
                Send(from, size, i);
        }

        for (int from = 0; from < 2; from++)
        {
            for (int i = 0; i < count; i++)
                CheckNext(from, size, i);
        }
    }

    /// <summary>A frame for a NIC.</summary>
    public static byte[] FrameFor(byte[] macAddress, int size, int number = 0)
    {
        byte[] frame = TestFrame.Create(size, number);
        macAddress.CopyTo(frame, 0);
        return frame;
    }

    /// <summary>Whether a frame is one of these, and not of a kernel that shares the NIC.</summary>
    public static bool IsOurs(byte[] frame) => frame.AsSpan(2 * AddressLength, 2).SequenceEqual(s_type);

    private void Send(int from, int size, int number) =>
        wires[from].Send(FrameFor(macAddresses[from], size, number));

    private void CheckNext(int from, int size, int number)
    {
        int to = from ^ 1;
        byte[] expected = TestFrame.Create(size, number);
        ReadOnlySpan<byte> destination = [0x02, 0, 0, 0, 0, (byte)to];
        destination.CopyTo(expected);
        macAddresses[to].CopyTo(expected, AddressLength);
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(Receive(to)));
    }

    /// <summary>Passes over what a kernel that shares the NIC has to say.</summary>
    private byte[] Receive(int port)
    {
        while (true)
        {
            byte[] frame = wires[port].Receive();
            if (IsOurs(frame))
                return frame;
        }
    }
}
