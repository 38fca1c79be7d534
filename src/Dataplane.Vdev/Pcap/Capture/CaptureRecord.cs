using System.Buffers;

namespace Dataplane.Vdev.Pcap.Capture;

/// <summary>A frame of a capture.</summary>
/// <param name="Data">The bytes that were captured; valid until the reader is used again.</param>
/// <param name="TimestampNs">Nanoseconds since 1970; 0 where the file does not say.</param>
/// <param name="OriginalLength">Bytes that the frame had on the wire, which may be more than were captured.</param>
internal readonly record struct CaptureRecord(ReadOnlySequence<byte> Data, long TimestampNs, uint OriginalLength)
{
    /// <summary>Bytes that were captured; at most <see cref="CaptureFormats.MaxFrameLength"/>.</summary>
    public int Length => (int)Data.Length;

    /// <summary>Copies the captured bytes.</summary>
    public void CopyTo(Span<byte> destination) => Data.CopyTo(destination);
}
