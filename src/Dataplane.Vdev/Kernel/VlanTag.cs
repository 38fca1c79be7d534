using System.Buffers.Binary;
using Dataplane.Linux;

namespace Dataplane.Vdev.Kernel;

/// <summary>The tag of IEEE 802.1Q, which the kernel keeps beside a frame that it receives.</summary>
internal static unsafe class VlanTag
{
    /// <summary>Bytes of a tag in a frame, behind the two addresses.</summary>
    public const int Length = 4;

    /// <summary>The tag that the kernel took out of a frame of a ring, TPID in the upper half; 0 for none.</summary>
    public static uint Of(Tpacket2Hdr* header)
    {
        if ((header->TpStatus & PacketSocket.TP_STATUS_VLAN_VALID) == 0)
            return 0;
        bool isKnown = (header->TpStatus & PacketSocket.TP_STATUS_VLAN_TPID_VALID) != 0;
        uint protocol = isKnown ? header->TpVlanTpid : PacketSocket.ETH_P_8021Q;
        return (protocol << 16) | header->TpVlanTci;
    }

    /// <summary>Whether a tag follows an EtherType: of a customer or of a provider.</summary>
    public static bool IsProtocol(ushort etherType) =>
        etherType is PacketSocket.ETH_P_8021Q or PacketSocket.ETH_P_8021AD;

    /// <summary>Writes a tag in the order of the wire.</summary>
    public static void Write(byte* destination, uint tag) =>
        BinaryPrimitives.WriteUInt32BigEndian(new Span<byte>(destination, Length), tag);
}
