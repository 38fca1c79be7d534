using Dataplane.Ports;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>How a device with SRRCTL uses the buffers of a mempool: in whole KiB, a frame in one or in several.</summary>
/// <param name="Kilobytes">How much of a buffer the device fills, in KiB.</param>
/// <param name="Chains">Whether a frame may take several buffers.</param>
internal readonly record struct RxBuffers(int Kilobytes, bool Chains)
{
    private const int Kilobyte = 1024;

    /// <summary>What the devices can (82576 data sheet 8.10.2, 82599 8.2.3.8.7).</summary>
    private const int MaxKilobytes = 16;

    /// <summary>Ethernet header and a VLAN tag that stays in the frame; the FCS does not.</summary>
    private const int Overhead = 18;

    /// <summary>What a configuration leads to.</summary>
    /// <param name="port">The port's name, for the error.</param>
    /// <param name="configuration">The mempool, and whether frames may be scattered in any case.</param>
    /// <param name="mtu">Bytes; frames that do not fit into a buffer take several.</param>
    /// <exception cref="DataplaneException">The buffers are too small.</exception>
    public static RxBuffers For(string port, PortConfiguration configuration, int mtu)
    {
        int kilobytes = Math.Min(configuration.Pool.DataRoom / Kilobyte, MaxKilobytes);
        if (kilobytes == 0)
        {
            throw new DataplaneException(
                $"{port} cannot use the mempool {configuration.Pool.Name}: its buffers take {configuration.Pool.DataRoom} bytes",
                $"give it a data room of at least {Kilobyte} bytes");
        }

        bool chains = configuration.Offloads.HasFlag(PortOffloads.RxScatter) || mtu + Overhead > kilobytes * Kilobyte;
        return new RxBuffers(kilobytes, chains);
    }

    /// <summary>Queues that exist cannot learn to chain.</summary>
    /// <exception cref="DataplaneException">Frames of the new MTU do not fit into a buffer.</exception>
    public void Require(string port, int mtu)
    {
        if (Kilobytes != 0 && !Chains && mtu + Overhead > Kilobytes * Kilobyte)
        {
            throw new DataplaneException(
                $"{port} cannot have an MTU of {mtu} bytes with buffers of {Kilobytes} KiB, one for a frame",
                "configure it with RxScatter, or after its MTU is set");
        }
    }
}
