namespace Dataplane.Packets;

/// <summary>What a port found out about a packet (Rx...), shall do when it sends it (Tx...), or needs to know of its buffer.</summary>
[Flags]
#pragma warning disable CA1028 // The mbuf has eight bytes for them.
public enum MbufFlags : ulong
#pragma warning restore CA1028
{
    /// <summary>Nothing is known, nothing is asked.</summary>
    None = 0,

    /// <summary>The data lies in memory of another owner, who gets it back when the packet is freed.</summary>
    External = 1UL << 0,

    /// <summary>The port took the VLAN tag out of the frame into <see cref="Mbuf.VlanTci"/>.</summary>
    RxVlanStripped = 1UL << 1,

    /// <summary><see cref="Mbuf.RssHash"/> is valid.</summary>
    RxRssHash = 1UL << 2,

    /// <summary><see cref="Mbuf.Timestamp"/> is valid.</summary>
    RxTimestamp = 1UL << 3,

    /// <summary>The port shall put <see cref="Mbuf.VlanTci"/> into the frame.</summary>
    TxVlanInsert = 1UL << 32,
}
