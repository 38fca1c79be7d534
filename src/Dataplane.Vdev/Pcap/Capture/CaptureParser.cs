namespace Dataplane.Vdev.Pcap.Capture;

/// <summary>Takes frames out of a capture file of one format.</summary>
internal abstract class CaptureParser
{
    /// <summary>Whether the file may end here: whether the last byte that was parsed is the last of a record.</summary>
    public abstract bool IsBetweenRecords { get; }

    /// <summary>Takes the next frame.</summary>
    /// <returns>False if the input must have more bytes for that.</returns>
    /// <exception cref="DataplaneException">The file breaks the rules of its format.</exception>
    public abstract bool TryRead(CaptureInput input, out CaptureRecord record);

    /// <summary>Takes a captured length that the file claims.</summary>
    protected static int CheckFrameLength(CaptureInput input, uint length) => length <= CaptureFormats.MaxFrameLength
        ? (int)length
        : throw input.Fault(
            $"a frame claims {length} captured bytes, and no frame has more than {CaptureFormats.MaxFrameLength}",
            remedy: "the file is damaged; what is good of it is kept by: editcap IN OUT");
}
