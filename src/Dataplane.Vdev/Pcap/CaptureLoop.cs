using Dataplane.Memory;
using Dataplane.Ports;

namespace Dataplane.Vdev.Pcap;

/// <summary>A capture that is received over and over (<c>infinite_rx</c>): all of it is held in memory.</summary>
internal sealed class CaptureLoop : IFrameSource, IRxStream
{
    private readonly List<FrameBlock> _blocks = [];
    private int _next;

    private CaptureLoop()
    {
    }

    /// <summary>Loads a capture.</summary>
    /// <exception cref="DataplaneException">
    /// It is damaged, has no frames, or is larger than half of the memory that the process may use.
    /// </exception>
    public static CaptureLoop Load(string path, Action<string> notice)
    {
        var loop = new CaptureLoop();
        try
        {
            loop.LoadAsync(path, notice).GetAwaiter().GetResult();
            return loop;
        }
        catch
        {
            loop.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public FrameBlock? TakeNext()
    {
        FrameBlock block = _blocks[_next];
        _next = _next + 1 == _blocks.Count ? 0 : _next + 1;
        return block;
    }

    /// <inheritdoc/>
    public RxQueue CreateQueue(RxQueueContext context, int portId) => new PcapRxQueue(context, portId, this);

    /// <inheritdoc/>
    public void Start()
    {
    }

    /// <inheritdoc/>
    public void Stop()
    {
    }

    public void Dispose()
    {
        foreach (FrameBlock block in _blocks)
            block.Dispose();
        _blocks.Clear();
    }

    private async Task LoadAsync(string path, Action<string> notice)
    {
        await using CaptureLoader loader = await CaptureLoader.OpenAsync(path).ConfigureAwait(false);
        // The container's limit, if there is one; what is beyond it would be ended by the kernel without a word.
        long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
        bool hasMore = true;
        int errors = 0;
        while (hasMore)
        {
            if ((_blocks.Count + 1L) * FrameBlock.Capacity > limit)
            {
                throw new DataplaneException(
                    $"The capture '{path}' is too large to be received infinitely: it needs more than " +
                    $"{ByteSize.Format((ulong)limit)}, half of the memory that the process may use",
                    "leave out infinite_rx=1, or cut it: editcap -r IN OUT 1-1000000");
            }

            var block = new FrameBlock();
            _blocks.Add(block);
            hasMore = await loader.FillAsync(block).ConfigureAwait(false);
            errors += block.Errors;
            block.Errors = 0;
        }

        if (loader.CutOff is { } cutOff)
            notice(cutOff);
        if (errors != 0)
            notice($"The capture '{path}' has {errors} frames that no Ethernet port can receive; they are left out");
        RemoveEmptyBlocks();
        if (_blocks.Count == 0)
            throw new DataplaneException($"The capture '{path}' has no frames to receive");
        if (_blocks.Count == 1)
            _blocks[0].RepeatFrames();
    }

    private void RemoveEmptyBlocks()
    {
        foreach (FrameBlock block in _blocks.Where(block => block.Count == 0))
            block.Dispose();
        _blocks.RemoveAll(block => block.Count == 0);
    }
}
