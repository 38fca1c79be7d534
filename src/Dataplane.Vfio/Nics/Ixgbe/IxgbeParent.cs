using Dataplane.Packets;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>
/// What a virtual function asks of the driver of its physical function, by mailbox messages. The numbers are the interface
/// between Intel's drivers (Linux: drivers/net/ethernet/intel/ixgbe/ixgbe_mbx.h).
/// </summary>
internal sealed class IxgbeParent<TRegisters>(IxgbeDevice<TRegisters> device, VfMailbox<TRegisters> mailbox)
    where TRegisters : struct, IRegisterSpace
{
    private const uint Reset = 0x01, SetMacAddress = 0x02, SetFrameLength = 0x05, Negotiate = 0x08;
    private const uint GetQueues = 0x09, UpdateReceiveMode = 0x0C;

    /// <summary>Versions of the interface, best first, as the message has them: 1.3, 1.2, 1.1, 1.0. (1 was Solaris' 2.0.)</summary>
    private static ReadOnlySpan<uint> Versions => [Version13, Version12, Version11, Version10];

    private const uint Version10 = 0, Version11 = 2, Version12 = 3, Version13 = 4;

    private uint _version;

    /// <summary>Whether a message that came by itself says that the other side has forgotten us.</summary>
    public static bool HasForgotten(uint message) => (message & VfMailbox<TRegisters>.ClearToSend) == 0;

    /// <summary>
    /// Asks for a reset of the function's filters, and to be heard from then on; agrees upon the version of the interface.
    /// </summary>
    /// <returns>The address that the administrator gave the function; zero if none.</returns>
    public MacAddress Introduce()
    {
        Span<uint> reply = [Reset, 0, 0, 0];
        Exchange(reply);
        MacAddress address = IsSuccess(reply[0]) ? new MacAddress(reply[1] | ((ulong)(ushort)reply[2] << 32)) : default;
        foreach (uint version in Versions)
        {
            _version = version;
            if (TryAsk([Negotiate, version, 0]))
                break;
        }

        return address;
    }

    /// <summary>How many queues the function has; 1 if the other side cannot say.</summary>
    public int CountQueues(int most)
    {
        if (_version < Version11)
            return 1;
        Span<uint> reply = [GetQueues, 0, 0, 0, 0];
        Exchange(reply);
        if (!IsSuccess(reply[0]))
            return 1;
        uint queues = Math.Min(reply[1], reply[2]);
        return (int)Math.Clamp(queues, 1, (uint)most);
    }

    /// <summary>Receives for an address.</summary>
    /// <returns>False if the administrator has given the function another.</returns>
    public bool TrySetMacAddress(MacAddress address) =>
        TryAsk([SetMacAddress, (uint)address.Wire, (uint)(address.Wire >> 32)]);

    /// <summary>Receives frames up to a length, FCS included.</summary>
    public bool TrySetFrameLength(int bytes) => TryAsk([SetFrameLength, (uint)bytes]);

    /// <summary>Chooses whose frames are received.</summary>
    /// <returns>False if it was not granted; a function that is not trusted may be given less than it asks for.</returns>
    public bool TrySetReceiveMode(VfReceiveMode mode)
    {
        if (_version < Version12)
            return false;
        Span<uint> reply = [UpdateReceiveMode, (uint)mode];
        Exchange(reply);
        return IsSuccess(reply[0]) && reply[1] == (uint)mode;
    }

    private static bool IsSuccess(uint reply) =>
        (reply & (VfMailbox<TRegisters>.Ack | VfMailbox<TRegisters>.Nack)) == VfMailbox<TRegisters>.Ack;

    private bool TryAsk(Span<uint> message)
    {
        Exchange(message);
        return IsSuccess(message[0]);
    }

    private void Exchange(Span<uint> message)
    {
        if (mailbox.TryRequest(message))
            return;
        throw new DataplaneException(
            $"{device.Name}: the driver of its physical function does not answer in the mailbox",
            "bring the physical function's interface up on the host: ip link set PF up");
    }
}

/// <summary>Whose frames a virtual function receives.</summary>
internal enum VfReceiveMode : uint
{
    /// <summary>
    /// Its own, broadcasts and those of groups that it asks for. With mode 0, which leaves out groups, PF drivers of before
    /// 2022 (Linux 5.18) and DPDK's leave out broadcasts, too.
    /// </summary>
    Own = 1,

    /// <summary>Also those of all multicast groups.</summary>
    AllMulticast = 2,

    /// <summary>All that reach the port.</summary>
    Promiscuous = 3,
}
