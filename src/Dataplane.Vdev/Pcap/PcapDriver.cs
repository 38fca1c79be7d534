using Dataplane.Ports;

namespace Dataplane.Vdev.Pcap;

/// <summary>
/// <c>net_pcap</c>: a port that receives the packets of capture files and sends into capture files, or does either with
/// a network interface. Without anything to send to, what is sent is dropped and counts as sent.
/// </summary>
public sealed class PcapDriver : IVdevDriver
{
    /// <inheritdoc/>
    public string Name => "net_pcap";

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys => PcapOptions.Keys;

    /// <inheritdoc/>
    public Port Create(PortContext context, Devargs arguments) => PcapPort.Open(context, PcapOptions.Parse(arguments));
}
