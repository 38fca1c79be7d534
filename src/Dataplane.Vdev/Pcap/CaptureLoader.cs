using Dataplane.Vdev.Pcap.Capture;

namespace Dataplane.Vdev.Pcap;

/// <summary>Brings the frames of a capture file into blocks. One control thread at a time.</summary>
internal sealed class CaptureLoader : IAsyncDisposable
{
    private readonly string _path;
    private CaptureReader _reader;
    private CaptureRecord? _pending;

    // A read from a pipe may take forever and cannot be called off: it is left running and waited for the next time.
    private Task<bool>? _reading;

    private CaptureLoader(string path, CaptureReader reader)
    {
        _path = path;
        _reader = reader;
    }

    /// <summary>Whether the file can be read from its start again; a pipe cannot, and may keep us waiting.</summary>
    public bool CanRewind => _reader.CanSeek;

    /// <summary>See <see cref="CaptureReader.CutOff"/>.</summary>
    public string? CutOff => _reader.CutOff;

    /// <summary>Opens a capture.</summary>
    /// <exception cref="DataplaneException">It cannot be opened, or is not a capture of Ethernet frames.</exception>
    public static async Task<CaptureLoader> OpenAsync(string path) =>
        new(path, await CaptureReader.OpenAsync(path).ConfigureAwait(false));

    /// <summary>Fills an empty block: until it is full, or from a pipe with what has come.</summary>
    /// <returns>False if the file has ended; the block may have the last frames.</returns>
    /// <exception cref="DataplaneException">The file breaks the rules of its format, or cannot be read.</exception>
    public async ValueTask<bool> FillAsync(FrameBlock block, CancellationToken cancellation = default)
    {
        while (true)
        {
            if (_reading is null && !TryMoveRecords(block))
                return true;
            if (block.Count != 0 && !CanRewind)
                return true;
            _reading ??= _reader.FillAsync(CancellationToken.None).AsTask();
            bool hasMore = await _reading.WaitAsync(cancellation).ConfigureAwait(false);
            _reading = null;
            if (!hasMore)
                return false;
        }
    }

    /// <summary>Starts again at the first frame of the file.</summary>
    /// <exception cref="DataplaneException">It cannot be opened any more.</exception>
    public async Task RewindAsync()
    {
        CaptureReader again = await CaptureReader.OpenAsync(_path).ConfigureAwait(false);
        await DisposeAsync().ConfigureAwait(false);
        (_reader, _pending, _reading) = (again, null, null);
    }

    /// <summary>Closes the file; if a read is under way, as soon as it ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_reading is not { IsCompleted: false } reading)
            await _reader.DisposeAsync().ConfigureAwait(false);
        else
            _ = CloseAfterAsync(reading, _reader);
    }

    private static async Task CloseAfterAsync(Task reading, CaptureReader reader)
    {
        await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await reader.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Moves what has been read of the file into the block.</summary>
    /// <returns>False if the block is full.</returns>
    private bool TryMoveRecords(FrameBlock block)
    {
        while (_pending is not null || TryRead())
        {
            if (!block.TryAdd(_pending!.Value))
                return false;
            _pending = null;
        }

        return true;
    }

    private bool TryRead()
    {
        bool found = _reader.TryRead(out CaptureRecord record);
        _pending = found ? record : null;
        return found;
    }
}
