using System.Buffers;
using System.Buffers.Binary;

namespace Dataplane.Vdev.Pcap.Capture;

/// <summary>What has been read of a capture file and not been parsed yet, and where in the file it stands.</summary>
internal sealed class CaptureInput(string path)
{
    // What the pipe gave, and of it the piece at hand, since nearly every record lies in one piece.
    private ReadOnlySequence<byte> _buffer;
    private ReadOnlyMemory<byte> _piece;
    private long _bufferOffset;
    private int _at;

    /// <summary>The file as the user named it.</summary>
    public string Path => path;

    /// <summary>Whether the numbers of the file are in the other byte order than usual.</summary>
    public bool IsBigEndian { get; set; }

    /// <summary>Byte of the file at which the unparsed part starts.</summary>
    public long Offset { get; private set; }

    /// <summary>Bytes that can be parsed now.</summary>
    public long Available { get; private set; }

    /// <summary>Where the unparsed part starts, for the pipe that owns it.</summary>
    public SequencePosition Start => _buffer.GetPosition(Offset - _bufferOffset);

    /// <summary>Where the unparsed part ends.</summary>
    public SequencePosition End => _buffer.End;

    /// <summary>Continues with a longer unparsed part, which starts at the same byte.</summary>
    public void Continue(ReadOnlySequence<byte> unparsed)
    {
        _buffer = unparsed;
        _bufferOffset = Offset;
        _piece = unparsed.First;
        _at = 0;
        Available = unparsed.Length;
    }

    /// <summary>Copies the next bytes without moving on; false if not all of them are there yet.</summary>
    public bool TryPeek(scoped Span<byte> destination)
    {
        if (_piece.Length - _at >= destination.Length)
        {
            _piece.Span.Slice(_at, destination.Length).CopyTo(destination);
            return true;
        }

        if (Available < destination.Length)
            return false;
        Slice(0, destination.Length).CopyTo(destination);
        return true;
    }

    /// <summary>The bytes from <paramref name="start"/> on, which are all there.</summary>
    public ReadOnlySequence<byte> Slice(int start, int length) => _piece.Length - _at >= start + length
        ? new ReadOnlySequence<byte>(_piece.Slice(_at + start, length))
        : _buffer.Slice(Offset - _bufferOffset + start, length);

    /// <summary>Moves on.</summary>
    /// <param name="length">Bytes; at most <see cref="Available"/>.</param>
    public void Advance(long length)
    {
        Offset += length;
        Available -= length;
        if (length < _piece.Length - _at)
        {
            _at += (int)length;
            return;
        }

        _piece = _buffer.Slice(Offset - _bufferOffset).First;
        _at = 0;
    }

    public ushort ReadUInt16(ReadOnlySpan<byte> bytes) =>
        IsBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    public uint ReadUInt32(ReadOnlySpan<byte> bytes) =>
        IsBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    public long ReadInt64(ReadOnlySpan<byte> bytes) =>
        IsBigEndian ? BinaryPrimitives.ReadInt64BigEndian(bytes) : BinaryPrimitives.ReadInt64LittleEndian(bytes);

    /// <summary>The error for a file that breaks a rule of its format at the current byte.</summary>
    /// <param name="rule">What is wrong, as it reads after "at byte 24".</param>
    /// <param name="cause">The system's exception, if there is one.</param>
    /// <param name="remedy">What mends it; null where nothing does.</param>
    public DataplaneException Fault(string rule, Exception? cause = null, string? remedy = null) =>
        new($"Cannot read the capture '{path}': at byte {Offset} {rule}", remedy, cause);

    /// <summary>The error for frames that are not Ethernet frames.</summary>
    public DataplaneException WrongLinkType(int linkType)
    {
        string? remedy = linkType is CaptureFormats.LinuxCooked or CaptureFormats.LinuxCooked2
            ? "capture on one interface, such as tcpdump -i eth0, rather than on 'any'"
            : null;
        string name = CaptureFormats.DescribeLinkType(linkType);
        return Fault(
            $"it declares link type {name}, and only Ethernet ({CaptureFormats.Ethernet}) can be received",
            remedy: remedy);
    }
}
