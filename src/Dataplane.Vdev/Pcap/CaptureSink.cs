using Dataplane.Ports;
using Dataplane.Vdev.Pcap.Capture;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Pcap;

/// <summary>How a capture is written.</summary>
/// <param name="Unit">Unit of the timestamps.</param>
/// <param name="SnapLength">Bytes of a frame that are kept.</param>
/// <param name="Patience">How long a lcore waits for room once the disk has fallen behind by the whole ring.</param>
internal sealed record CaptureSinkOptions(TimestampUnit Unit, int SnapLength, TimeSpan Patience);

/// <summary>
/// Writes a capture file behind the lcore that sends to it: the lcore copies records into a ring, and a task brings
/// them to the file, at the latest a millisecond later.
/// </summary>
internal sealed class CaptureSink : ITxStream
{
    /// <summary>4 MiB hold what a lcore sends in the millisecond that the task may sleep.</summary>
    private const int RingCapacity = 4 * 1024 * 1024;

    /// <summary>With less than this in hand the task sleeps before the next write.</summary>
    private const int WorthwhileWrite = 64 * 1024;

    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(1);

    /// <summary>A disk that takes longer than this for what is left at the end is given up.</summary>
    private static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(10);

    private readonly string _path;
    private readonly CaptureSinkOptions _options;
    private readonly ILogger _logger;
    private readonly CaptureWriter _writer;
    private readonly ByteRing _ring = new(RingCapacity);
    private Task _writing = Task.CompletedTask;
    private volatile bool _isStopping;
    private volatile bool _hasFailed;

    /// <summary>Creates the file.</summary>
    /// <exception cref="DataplaneException">It cannot be created or written.</exception>
    public CaptureSink(string path, CaptureSinkOptions options, ILogger logger)
    {
        _path = path;
        _options = options;
        _logger = logger;
        _writer = CaptureWriter.Create(path, options.Unit, options.SnapLength);
        try
        {
            _writer.FlushAsync().AsTask().GetAwaiter().GetResult();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where the lcore puts records.</summary>
    public ByteRing Ring => _ring;

    /// <summary>Whether the file takes no more.</summary>
    public bool HasFailed => _hasFailed;

    /// <inheritdoc/>
    public TxQueue CreateQueue(TxQueueContext context) => new PcapTxQueue(context, this, _options);

    /// <inheritdoc/>
    public void Start()
    {
        _isStopping = false;
        _writing = Task.Run(WriteAsync);
    }

    /// <inheritdoc/>
    public void Stop()
    {
        _isStopping = true;
        if (!_writing.Wait(s_stopTimeout))
            _logger.LogError("The capture '{Path}' takes nothing any more; what was sent to it last is lost", _path);
    }

    public void Dispose()
    {
        // A write that never ends keeps the file and the ring; closing them under it would be worse.
        if (!_writing.IsCompleted)
            return;
        _writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _ring.Dispose();
    }

    private async Task WriteAsync()
    {
        using var timer = new PeriodicTimer(s_pollInterval);
        try
        {
            while (true)
            {
                // Read before the ring: what was sent before the port was stopped is then seen in it.
                bool isLast = _isStopping;
                int moved = MoveToWriter();
                if (moved != 0)
                    await _writer.FlushAsync().ConfigureAwait(false);
                else if (isLast)
                    return;
                if (moved < WorthwhileWrite && !isLast)
                    await timer.WaitForNextTickAsync().ConfigureAwait(false);
            }
        }
        catch (DataplaneException fault)
        {
            _hasFailed = true;
            _logger.LogError(
                "{Fault}; what was sent to it in the last moments is lost, and nothing more is taken", fault.Message);
        }
    }

    private int MoveToWriter()
    {
        // A bounded piece at a time, so that room appears in the ring while the file is written.
        const int LargestWrite = 512 * 1024;
        ReadOnlySpan<byte> records = _ring.Peek();
        if (records.Length > LargestWrite)
            records = records[..LargestWrite];
        _writer.Append(records);
        _ring.Release(records.Length);
        return records.Length;
    }
}
