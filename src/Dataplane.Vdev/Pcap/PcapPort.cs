using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Null;

namespace Dataplane.Vdev.Pcap;

/// <summary>A port of <see cref="PcapDriver"/>. Its files are open from the start of the program to its end.</summary>
internal sealed class PcapPort : Port
{
    /// <summary>Of Ethernet; only what it is said to be, since files take every frame.</summary>
    private const int UsualMtu = 1500;

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
            options.UseMacOfInterface ? streams.Interfaces[0].MacAddress : MacAddressOf(context),
            streams.Interfaces.Count != 0 ? streams.Interfaces[0].Mtu : UsualMtu)
    {
        _streams = streams;
        _options = options;
        streams.LinkMayHaveChanged = () => ReportLink(ReadLink());
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

    protected override void OnStart()
    {
        _streams.Start(RxQueues.Count, TxQueues.Count);
        // Only a link that was seen up is told to be down, and nobody need have asked before the end.
        if (_options.SignalsEnd)
            ReportLink(_streams.Interfaces.Count == 0 ? LinkStatus.VirtualUp : ReadLink());
    }

    protected override void OnStop() => _streams.Stop();

    protected override void OnClose() => _streams.Dispose();

    /// <summary>Up while started, or as its interfaces are; down at the end of the captures, if so asked.</summary>
    protected override LinkStatus ReadLink()
    {
        if (_options.SignalsEnd && _streams.HaveEnded)
            return LinkStatus.Down;
        LinkStatus[] links = [.. _streams.Interfaces.Select(stream => stream.Link)];
        if (links.Length == 0)
            return base.ReadLink();
        return links.All(link => link.IsUp) ? links[0] : LinkStatus.Down;
    }

    protected override void OnSetMtu(int mtu)
    {
        foreach (InterfaceStream stream in _streams.Interfaces)
            stream.Mtu = mtu;
    }

    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        foreach (InterfaceStream stream in _streams.Interfaces)
            statistics.InputMissed += stream.Drops;
    }

    protected override void OnResetStatistics()
    {
        foreach (InterfaceStream stream in _streams.Interfaces)
            stream.ResetDrops();
    }

    /// <summary>As DPDK's driver: 02, "pcap", and a number among the devices of the driver.</summary>
    private static MacAddress MacAddressOf(PortContext context) =>
        new([0x02, .. "pcap"u8, (byte)context.Ports.Count(port => port.DriverName == context.DriverName)]);
}
