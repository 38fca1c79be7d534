namespace Dataplane.Testing.Qemu;

/// <summary>The far end of a NIC's cable. Frames have no FCS. One thread at a time.</summary>
public interface IWire
{
    /// <summary>Puts a frame onto the wire.</summary>
    void Send(ReadOnlySpan<byte> frame);

    /// <summary>Takes the next frame that the NIC sent; null if none comes in time.</summary>
    byte[]? Receive(TimeSpan timeout);

    /// <summary>Takes the next frame, which must come.</summary>
    /// <exception cref="TimeoutException">It does not within <see cref="Wire.Patience"/>.</exception>
    byte[] Receive();
}
