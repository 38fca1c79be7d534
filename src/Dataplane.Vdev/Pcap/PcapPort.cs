using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Null;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Pcap;

/// <summary>A port of <see cref="PcapDriver"/>. Its files are open from the start of the program to its end.</summary>
internal sealed class PcapPort : Port
{
    private static readonly NullOptions s_nothing = new(Size: 0, Copy: false, NoRx: true);

    private readonly PcapStreams _streams;
    private readonly PcapOptions _options;

    private PcapPort(PortContext context, PcapOptions options, PcapStreams streams)
        : base(
            context,
            // A direction without streams has a queue, which does nothing, for each of the other's.
            new PortCapabilities
            {
                MaxRxQueues = streams.Rx.Count != 0 ? streams.Rx.Count : streams.Tx.Count,
                MaxTxQueues = streams.Tx.Count != 0 ? streams.Tx.Count : streams.Rx.Count,
            },
            MacAddressOf(context))
    {
        _streams = streams;
        _options = options;
        streams.Ended = OnStreamEnded;
    }

    /// <summary>Makes a port, with its files opened and created.</summary>
    public static PcapPort Open(PortContext context, PcapOptions options)
    {
        options.CheckFiles(context.Name, context.Ports.OfType<PcapPort>().Select(port => port._options));
        var streams = new PcapStreams(context, options);
        try
        {
            return new PcapPort(context, options, streams);
        }
        catch
        {
            streams.Dispose();
            throw;
        }
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context) => _streams.Rx.Count == 0
        ? new NullRxQueue(context, Id, s_nothing)
        : _streams.Rx[context.Index].CreateQueue(context, Id);

    protected override TxQueue CreateTxQueue(TxQueueContext context) => _streams.Tx.Count == 0
        ? new NullTxQueue(context, s_nothing)
        : _streams.Tx[context.Index].CreateQueue(context);

    protected override void OnStart() => _streams.Start(RxQueues.Count, TxQueues.Count);

    protected override void OnStop() => _streams.Stop();

    protected override void OnClose() => _streams.Dispose();

    protected override LinkStatus ReadLink() =>
        _options.SignalsEnd && _streams.HaveEnded ? LinkStatus.Down : base.ReadLink();

    /// <summary>As DPDK's driver: 02, "pcap", and a number among the devices of the driver.</summary>
    private static MacAddress MacAddressOf(PortContext context) =>
        new([0x02, .. "pcap"u8, (byte)context.Ports.Count(port => port.DriverName == context.DriverName)]);

    private void OnStreamEnded()
    {
        if (!_options.SignalsEnd || !_streams.HaveEnded)
            return;
        Logger.LogInformation("Port {Id} ({Name}) has received its captures to their end", Id, Name);
        ReportLink(ReadLink());
    }
}
