using System.Buffers.Binary;
using System.IO.Pipelines;

namespace Dataplane.Vdev.Pcap.Capture;

/// <summary>
/// Reads a capture file, pcap or pcapng, from front to back without ever holding more than a few hundred KiB of it, so
/// that files may be larger than memory and pipes may be read. One thread at a time.
/// </summary>
/// <example><code>
/// do
/// {
///     while (reader.TryRead(out CaptureRecord record)) ...
/// }
/// while (await reader.FillAsync(cancellation));
/// </code></example>
internal sealed class CaptureReader : IAsyncDisposable
{
    private const int BufferSize = 256 * 1024;

    /// <summary>RFC 1952, section 2.3.1, and RFC 8878, section 3.1.1, as little-endian numbers.</summary>
    private const uint GzipMagic = 0x8B1F;
    private const uint ZstdMagic = 0xFD2F_B528;

    private readonly CaptureInput _input;
    private readonly FileStream _file;
    private readonly PipeReader _pipe;
    private CaptureParser? _parser;
    private bool _hasRead;

    private CaptureReader(string path, FileStream file)
    {
        _input = new CaptureInput(path);
        _file = file;
        _pipe = PipeReader.Create(
            file, new StreamPipeReaderOptions(bufferSize: BufferSize, minimumReadSize: BufferSize / 4));
    }

    /// <summary>Whether the file can be read from its start again, which a pipe cannot.</summary>
    public bool CanSeek => _file.CanSeek;

    /// <summary>
    /// Where the file breaks off in the middle of a record, as a sentence; null if it does not, or its end is not
    /// reached. That is no error: a capture that was ended by a crash or is still being written looks like that.
    /// </summary>
    public string? CutOff { get; private set; }

    /// <summary>Opens a capture and checks what it starts with.</summary>
    /// <exception cref="DataplaneException">It cannot be opened, or is not a capture of Ethernet frames.</exception>
    public static async ValueTask<CaptureReader> OpenAsync(string path, CancellationToken cancellation = default)
    {
        var reader = new CaptureReader(path, OpenFile(path));
        try
        {
            while (!reader.TryDetect())
            {
                if (!await reader.FillAsync(cancellation).ConfigureAwait(false))
                    throw reader.TooShort();
            }

            return reader;
        }
        catch
        {
            await reader.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes the next frame of what has been read of the file.</summary>
    /// <returns>False if more of the file must be read first.</returns>
    /// <exception cref="DataplaneException">The file breaks the rules of its format.</exception>
    public bool TryRead(out CaptureRecord record) => _parser!.TryRead(_input, out record);

    /// <summary>Reads more of the file; frames taken before are no longer valid.</summary>
    /// <returns>False at the end of the file.</returns>
    /// <exception cref="DataplaneException">The file cannot be read.</exception>
    public async ValueTask<bool> FillAsync(CancellationToken cancellation = default)
    {
        long before = _input.Available;
        if (_hasRead)
            _pipe.AdvanceTo(_input.Start, _input.End);
        ReadResult result;
        try
        {
            result = await _pipe.ReadAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw _input.Fault($"the system says: {e.Message}", e);
        }

        _hasRead = true;
        _input.Continue(result.Buffer);
        bool isEnd = result.IsCompleted && result.Buffer.Length == before;
        if (isEnd && _parser is { } parser && !(before == 0 && parser.IsBetweenRecords))
        {
            CutOff = $"The capture '{_input.Path}' breaks off at byte {_input.Offset + before}, " +
                "in the middle of a record; all packets before it were taken";
        }

        return !isEnd;
    }

    public async ValueTask DisposeAsync() => await _pipe.CompleteAsync().ConfigureAwait(false);

    private static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                // A capture may be read while another program still writes it.
                Share = FileShare.ReadWrite | FileShare.Delete,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                BufferSize = 0,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            string reason = Directory.Exists(path) ? "it is a directory" : e.Message;
            throw new DataplaneException($"Cannot open the capture '{path}': {reason}", innerException: e);
        }
    }

    /// <summary>Finds out the format.</summary>
    /// <returns>False if more of the file must be read first.</returns>
    private bool TryDetect()
    {
        Span<byte> start = stackalloc byte[sizeof(uint)];
        if (!_input.TryPeek(start))
            return false;
        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(start);
        _parser = magic switch
        {
            CaptureFormats.PcapngMagic => PcapngParser.TryCreate(_input),
            _ when PcapParser.IsMagicOfAnyOrder(magic) => PcapParser.TryCreate(_input),
            _ => throw UnknownFormat(magic),
        };
        return _parser is not null;
    }

    private DataplaneException UnknownFormat(uint magic)
    {
        string? remedy = (magic & 0xFFFF) == GzipMagic ? "it is compressed: gunzip it first"
            : magic == ZstdMagic ? "it is compressed: unzstd it first"
            : "if it is a capture of another format: editcap -F pcap IN OUT";
        return _input.Fault($"it has 0x{magic:x8}, which neither pcap nor pcapng files start with", remedy: remedy);
    }

    private DataplaneException TooShort() => _input.Available == 0
        ? new DataplaneException($"The capture '{_input.Path}' is empty")
        : _input.Fault($"it ends after {_input.Available} bytes, in the middle of its file header");
}
