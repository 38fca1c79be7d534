using Dataplane.Ports;
using Dataplane.Rings;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Pcap;

/// <summary>
/// Reads a capture file ahead of the lcore that receives it: blocks circulate between a task that fills them and the
/// lcore that empties them, which therefore never waits for a disk.
/// </summary>
internal sealed class CaptureFeed : IFrameSource, IRxStream
{
    /// <summary>4 MiB: at 20 million small frames per second they last 3 ms, and the task looks every ms.</summary>
    private const int BlockCount = 8;

    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(1);

    private readonly CaptureLoader _loader;
    private readonly ILogger _logger;
    private readonly Action _ended;
    private readonly FrameBlock[] _blocks;
    private readonly SpscRing<int> _filled = new(BlockCount);
    private readonly SpscRing<int> _empty = new(BlockCount);
    private CancellationTokenSource? _stop;
    private Task _filling = Task.CompletedTask;
    private PcapRxQueue? _queue;
    private bool _wasStarted;
    private volatile bool _hasEnded;
    private int _taken = -1;

    /// <summary>Opens a capture.</summary>
    /// <param name="path">The file, or a pipe.</param>
    /// <param name="logger">Gets what is wrong with later parts of the file.</param>
    /// <param name="ended">Called by a control thread when the lcore has received the last frame.</param>
    /// <exception cref="DataplaneException">It cannot be opened, or is not a capture of Ethernet frames.</exception>
    public CaptureFeed(string path, ILogger logger, Action ended)
    {
        _loader = CaptureLoader.OpenAsync(path).GetAwaiter().GetResult();
        _logger = logger;
        _ended = ended;
        _blocks = [.. Enumerable.Range(0, BlockCount).Select(_ => new FrameBlock())];
    }

    /// <summary>Whether the lcore has received the last frame.</summary>
    public bool HasEnded => _hasEnded;

    /// <inheritdoc/>
    public RxQueue CreateQueue(RxQueueContext context, int portId) => _queue = new PcapRxQueue(context, portId, this);

    /// <summary>
    /// Reads the first blocks, so that the lcore finds frames at once and what is wrong with a small file is known, and
    /// lets the rest be read in the background. A file that was received before starts again.
    /// </summary>
    /// <exception cref="DataplaneException">The file breaks the rules of its format, or cannot be read.</exception>
    public void Start()
    {
        _stop = new CancellationTokenSource();
        CancellationToken stop = _stop.Token;
        _hasEnded = false;
        _queue?.Rewind();
        EmptyBlocks();
        bool hasMore = !_loader.CanRewind || PrefillAsync(stop).GetAwaiter().GetResult();
        _filling = Task.Run(() => FillAsync(hasMore, stop), CancellationToken.None);
    }

    /// <inheritdoc/>
    public void Stop()
    {
        _stop?.Cancel();
        _filling.GetAwaiter().GetResult();
        _stop?.Dispose();
        _stop = null;
    }

    /// <inheritdoc/>
    public FrameBlock? TakeNext()
    {
        if (_taken >= 0)
            _empty.EnqueueBurst(new ReadOnlySpan<int>(in _taken));
        if (_filled.DequeueBurst(new Span<int>(ref _taken)) != 0)
            return _blocks[_taken];
        _taken = -1;
        return null;
    }

    public void Dispose()
    {
        _loader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        foreach (FrameBlock block in _blocks)
            block.Dispose();
        _filled.Dispose();
        _empty.Dispose();
    }

    /// <summary>Makes all blocks empty; nobody else uses the rings now.</summary>
    private void EmptyBlocks()
    {
        _taken = -1;
        Span<int> indices = stackalloc int[BlockCount];
        _filled.DequeueBurst(indices);
        _empty.DequeueBurst(indices);
        for (int i = 0; i < BlockCount; i++)
            indices[i] = i;
        _empty.EnqueueBurst(indices);
    }

    private async Task<bool> PrefillAsync(CancellationToken stop)
    {
        if (_wasStarted)
            await _loader.RewindAsync().ConfigureAwait(false);
        _wasStarted = true;
        bool hasMore = true;
        while (hasMore && TryTakeEmpty(out int index))
            hasMore = await FillBlockAsync(index, stop).ConfigureAwait(false);
        return hasMore;
    }

    private async Task FillAsync(bool hasMore, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_pollInterval);
        try
        {
            while (hasMore)
            {
                if (TryTakeEmpty(out int index))
                    hasMore = await FillOrFailAsync(index, stop).ConfigureAwait(false);
                else
                    await timer.WaitForNextTickAsync(stop).ConfigureAwait(false);
            }

            if (_loader.CutOff is { } cutOff)
                _logger.LogWarning("{CutOff}", cutOff);
            // The lcore is through when it has come back for more and given back the last block.
            while (_empty.Count != BlockCount)
                await timer.WaitForNextTickAsync(stop).ConfigureAwait(false);
            _hasEnded = true;
            // On another thread: who is told may stop the port, which waits for this task.
            ThreadPool.QueueUserWorkItem(static ended => ended(), _ended, preferLocal: false);
        }
        catch (OperationCanceledException)
        {
            // The port is stopped.
        }
    }

    /// <summary>In the background a fault has no caller: it is logged, counted, and ends the capture.</summary>
    private async Task<bool> FillOrFailAsync(int index, CancellationToken stop)
    {
        try
        {
            return await FillBlockAsync(index, stop).ConfigureAwait(false);
        }
        catch (DataplaneException fault)
        {
            _logger.LogError("{Fault}", fault.Message);
            _blocks[index].Errors++;
            HandOver(index);
            return false;
        }
    }

    private async Task<bool> FillBlockAsync(int index, CancellationToken stop)
    {
        _blocks[index].Clear();
        bool hasMore = await _loader.FillAsync(_blocks[index], stop).ConfigureAwait(false);
        HandOver(index);
        return hasMore;
    }

    private void HandOver(int index) => _filled.EnqueueBurst(new ReadOnlySpan<int>(in index));

    private bool TryTakeEmpty(out int index)
    {
        index = -1;
        return _empty.DequeueBurst(new Span<int>(ref index)) != 0;
    }
}
