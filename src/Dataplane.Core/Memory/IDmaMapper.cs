namespace Dataplane.Memory;

/// <summary>
/// Says which address a device (or the peer of a software port) is given for a byte of our memory: its virtual
/// address, its physical address, or an address of the peer. Drivers ask here and never know which.
/// </summary>
public interface IDmaMapper
{
    /// <summary>The device's address of the byte at <paramref name="address"/>; may be called by any thread.</summary>
    /// <param name="address">In a zone of this memory; the next page may be somewhere else entirely.</param>
    /// <exception cref="ArgumentException">The address is not in this memory.</exception>
    unsafe ulong IovaOf(void* address);
}
