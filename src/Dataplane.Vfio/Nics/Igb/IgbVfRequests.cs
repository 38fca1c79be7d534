using Dataplane.Packets;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>
/// What a VF asks its PF for: messages as Intel's PF drivers define them (Linux drivers/net/ethernet/intel/igb/e1000_mbx.h,
/// DPDK base/e1000_mbx.h). Control plane only.
/// </summary>
/// <param name="mailbox">Where they go.</param>
/// <param name="device">The VF's name, for errors.</param>
internal readonly struct IgbVfRequests<TRegisters>(VfMailbox<TRegisters> mailbox, string device)
    where TRegisters : struct, IRegisterSpace
{
    // The kind of message stands in the low 16 bits of the first word, details above.
    private const uint Reset = 1;
    private const uint SetAddress = 2;
    private const uint SetLongestFrame = 5;
    private const uint SetPromiscuous = 6;
    private const uint PromiscuousMulticast = 2u << 16;
    private const uint PromiscuousUnicast = 4u << 16;

    private const string Remedy = "see that the PF's interface is up ('ip link set PF up')";

    /// <summary>Tells the PF that the VF was reset; it gives the VF its queues then.</summary>
    /// <returns>The VF's address; zero if the administrator gave it none.</returns>
    /// <exception cref="DataplaneException">The PF does not answer, or refuses.</exception>
    public MacAddress AnnounceReset()
    {
        Span<uint> message = [Reset, 0, 0];
        if (!mailbox.TryRequest(message))
            throw NoAnswer();
        return (message[0] & (ushort.MaxValue | VfMailbox<TRegisters>.Ack)) switch
        {
            Reset | VfMailbox<TRegisters>.Ack => new MacAddress(message[1] | ((ulong)message[2] << 32)),
            // A PF that has no address for the VF refuses, but serves it (Linux igb_vf_reset_msg).
            Reset => default,
            _ => throw new DataplaneException($"{device}: the PF's answer to a reset makes no sense: 0x{message[0]:x8}", Remedy),
        };
    }

    /// <summary>Asks for an address to receive for and send from.</summary>
    /// <exception cref="DataplaneException">The PF does not answer, or refuses.</exception>
    public void RequestAddress(MacAddress address)
    {
        if (!Ask([SetAddress, (uint)address.Wire, (uint)(address.Wire >> 32)]))
        {
            throw new DataplaneException(
                $"{device} cannot have the MAC address {address}: the PF refuses",
                "let the host set it ('ip link set PF vf N mac ADDRESS') or trust the VF ('ip link set PF vf N trust on')");
        }
    }

    /// <summary>Asks for frames up to this length, from destination address to FCS.</summary>
    /// <exception cref="DataplaneException">The PF does not answer, or refuses.</exception>
    public void RequestLongestFrame(int length)
    {
        if (!Ask([SetLongestFrame, (uint)length]))
            throw new DataplaneException($"{device} cannot receive frames of {length} bytes: the PF refuses", "raise the PF's MTU");
    }

    /// <summary>Asks for frames that are for others.</summary>
    /// <returns>False if the PF does not allow it.</returns>
    /// <exception cref="DataplaneException">The PF does not answer.</exception>
    public bool TryRequestPromiscuous(bool unicast, bool multicast) =>
        Ask([SetPromiscuous | (unicast ? PromiscuousUnicast : 0) | (multicast ? PromiscuousMulticast : 0)]);

    private bool Ask(Span<uint> message)
    {
        if (!mailbox.TryRequest(message))
            throw NoAnswer();
        return (message[0] & VfMailbox<TRegisters>.Ack) != 0;
    }

    private DataplaneException NoAnswer() => new($"{device}: the PF does not answer", Remedy);
}
