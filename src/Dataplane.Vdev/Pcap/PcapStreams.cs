using Dataplane.Ports;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Pcap;

/// <summary>What stands behind a queue: a file or an interface. Control plane.</summary>
internal interface IPcapStream : IDisposable
{
    /// <summary>Lets packets flow.</summary>
    /// <exception cref="DataplaneException">The file or interface does not let them.</exception>
    void Start();

    /// <summary>Ends the flow, if it was started; what was sent is then where it belongs, or logged as lost.</summary>
    void Stop();
}

/// <summary>Where a receive queue has its packets from.</summary>
internal interface IRxStream : IPcapStream
{
    /// <summary>Makes the queue of the stream.</summary>
    RxQueue CreateQueue(RxQueueContext context, int portId);
}

/// <summary>Where a transmit queue puts its packets.</summary>
internal interface ITxStream : IPcapStream
{
    /// <summary>Makes the queue of the stream.</summary>
    TxQueue CreateQueue(TxQueueContext context);
}

/// <summary>All streams of a port, a queue for each.</summary>
internal sealed class PcapStreams : IDisposable
{
    private readonly List<IRxStream> _rx = [];
    private readonly List<ITxStream> _tx = [];
    private IPcapStream[] _started = [];

    /// <summary>Opens the streams that a device names.</summary>
    /// <exception cref="DataplaneException">One of them cannot be opened; none stays open.</exception>
    public PcapStreams(PortContext context, PcapOptions options)
    {
        try
        {
            foreach (string path in options.RxFiles)
            {
                _rx.Add(options.IsInfinite
                    ? CaptureLoop.Load(path, notice => context.Logger.LogWarning("{Notice}", notice))
                    : new CaptureFeed(path, context.Logger, () => LinkMayHaveChanged()));
            }

            foreach (string name in options.RxInterfaces)
                _rx.Add(Open(context, name, receivesOutgoing: true));
            foreach (string name in options.RxInterfacesInOnly)
                _rx.Add(Open(context, name, receivesOutgoing: false));
            foreach (string path in options.TxFiles)
                _tx.Add(new CaptureSink(path, options.Sink, context.Logger));
            foreach (string name in options.TxInterfaces)
                _tx.Add(Open(context, name, receivesOutgoing: false));
            if (options.Interface is { } both)
            {
                InterfaceStream stream = Open(context, both, receivesOutgoing: true);
                _rx.Add(stream);
                _tx.Add(stream);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The streams to receive from, by queue.</summary>
    public IReadOnlyList<IRxStream> Rx => _rx;

    /// <summary>The streams to send to, by queue.</summary>
    public IReadOnlyList<ITxStream> Tx => _tx;

    /// <summary>Those that are interfaces.</summary>
    public IReadOnlyList<InterfaceStream> Interfaces => [.. All.OfType<InterfaceStream>()];

    /// <summary>Called by control threads when a capture has ended or an interface has changed.</summary>
    public Action LinkMayHaveChanged { private get; set; } = static () => { };

    /// <summary>Whether all captures have been received to their end.</summary>
    public bool HaveEnded => _started.OfType<IRxStream>().All(stream => stream is CaptureFeed { HasEnded: true });

    /// <summary>Starts the streams that have queues.</summary>
    public void Start(int rxQueues, int txQueues)
    {
        _started = [.. _rx.Take(rxQueues), .. _tx.Take(txQueues)];
        try
        {
            foreach (IPcapStream stream in _started)
                stream.Start();
        }
        catch
        {
            Stop();
            throw;
        }
    }

    /// <summary>Stops them.</summary>
    public void Stop()
    {
        foreach (IPcapStream stream in _started)
            stream.Stop();
        _started = [];
    }

    public void Dispose()
    {
        foreach (InterfaceStream stream in Interfaces)
            stream.StopWatching();
        foreach (IPcapStream stream in All)
            stream.Dispose();
    }

    /// <summary>Each stream once, also if it stands behind queues of both directions.</summary>
    private IEnumerable<IPcapStream> All => _rx.Concat<IPcapStream>(_tx).Distinct();

    private InterfaceStream Open(PortContext context, string name, bool receivesOutgoing) =>
        InterfaceStream.Open(context, name, receivesOutgoing, () => LinkMayHaveChanged());
}
