using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace Dataplane.Vdev.Pcap.Capture;

/// <summary>
/// Writes a pcap file of Ethernet frames. Records come formatted (a <see cref="PcapRecordHeader"/> each, then the
/// frame) because the lcore that sends has to copy them anyway. One thread at a time.
/// </summary>
internal sealed class CaptureWriter : IAsyncDisposable
{
    private readonly string _path;
    private readonly PipeWriter _pipe;

    private CaptureWriter(string path, FileStream file)
    {
        _path = path;
        _pipe = PipeWriter.Create(file, new StreamPipeWriterOptions(minimumBufferSize: 64 * 1024));
    }

    /// <summary>Creates the file, or empties it if it exists.</summary>
    /// <param name="path">Where to write.</param>
    /// <param name="unit">Unit of the timestamps of the records.</param>
    /// <param name="snapLength">Bytes of the longest frame that is written.</param>
    /// <exception cref="DataplaneException">It cannot be created.</exception>
    public static CaptureWriter Create(string path, TimestampUnit unit, int snapLength)
    {
        var writer = new CaptureWriter(path, OpenFile(path));
        var header = new PcapFileHeader(unit, (uint)snapLength);
        writer.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<PcapFileHeader>(in header)));
        return writer;
    }

    /// <summary>Adds records, or parts of records, to what the next flush writes.</summary>
    public void Append(ReadOnlySpan<byte> records) => _pipe.Write(records);

    /// <summary>Writes everything to the file.</summary>
    /// <exception cref="DataplaneException">The system refused; what was not written is lost.</exception>
    public async ValueTask FlushAsync()
    {
        try
        {
            await _pipe.FlushAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataplaneException($"Cannot write the capture '{_path}': {e.Message}", innerException: e);
        }
    }

    /// <summary>Closes the file; what was not flushed is flushed, as far as the system lets.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _pipe.CompleteAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // FlushAsync has said it to whoever wanted to know.
        }
    }

    private static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                // Others may look at the file while it grows; nobody else may write it.
                Share = FileShare.Read,
                Options = FileOptions.Asynchronous,
                BufferSize = 0,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            string reason = Directory.Exists(path) ? "it is a directory" : e.Message;
            throw new DataplaneException($"Cannot create the capture '{path}': {reason}", innerException: e);
        }
    }
}
