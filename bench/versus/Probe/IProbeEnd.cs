namespace Versus.Probe;

/// <summary>Where a probe's frames go into the wire, and where they come out.</summary>
internal interface IProbeEnd
{
    /// <summary>Sends a frame.</summary>
    /// <returns>False if there is no room for it now.</returns>
    bool TrySend(ReadOnlySpan<byte> frame);

    /// <summary>Takes a frame, if one is there.</summary>
    bool TryReceive(Span<byte> buffer, out int length);
}
