namespace Versus.Frames;

/// <summary>Says whether frames came through a forwarder as they should.</summary>
internal static class ForwardedFrames
{
    private const int MacLength = 6;

    /// <summary>
    /// All must have arrived, in order, the destination must be 02:00:00:00:00:PORT, the source one and the same unicast
    /// address that no sent frame had, and the rest as it was sent.
    /// </summary>
    /// <param name="sent">What went in at one port.</param>
    /// <param name="received">What came out of the other.</param>
    /// <param name="port">The number of the port that they left by.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? FindFault(IReadOnlyList<byte[]> sent, IReadOnlyList<byte[]> received, int port)
    {
        if (received.Count != sent.Count)
            return $"of {sent.Count} frames {received.Count} came out of port {port}";
        byte[] destination = [0x02, 0, 0, 0, 0, (byte)port];
        for (int i = 0; i < sent.Count; i++)
        {
            if (FindFault(sent[i], received[i], destination, received[0]) is { } fault)
                return $"frame {i} of {sent[i].Length} bytes came out of port {port} with {fault}";
        }

        return null;
    }

    private static string? FindFault(ReadOnlySpan<byte> sent, ReadOnlySpan<byte> received, ReadOnlySpan<byte> destination, ReadOnlySpan<byte> first)
    {
        if (received.Length != sent.Length)
            return $"{received.Length} bytes";
        if (!received[..MacLength].SequenceEqual(destination))
            return $"the destination {Convert.ToHexString(received[..MacLength])}";
        ReadOnlySpan<byte> source = received[MacLength..TestFrame.AddressBytes];
        bool fits = (source[0] & 1) == 0 && !source.SequenceEqual(sent[MacLength..TestFrame.AddressBytes])
            && source.SequenceEqual(first[MacLength..TestFrame.AddressBytes]);
        if (!fits)
            return $"the source {Convert.ToHexString(source)}";
        return received[TestFrame.AddressBytes..].SequenceEqual(sent[TestFrame.AddressBytes..]) ? null : "another content";
    }
}
