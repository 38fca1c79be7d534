using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Memory;

namespace Dataplane.Packets;

/// <summary>
/// The header of a packet buffer: two cache lines of 64 bytes, in memory that devices and peers can reach, followed by
/// headroom and data. Programs hold it as a <see cref="Packet"/>; drivers fill the fields directly.
/// </summary>
/// <remarks>
/// Whoever holds the buffer owns every field. A buffer that lies in its mempool has <see cref="Next"/> null,
/// <see cref="SegmentCount"/> 1 and no <see cref="MbufFlags.External"/> flag, so that a driver that takes one writes
/// only the first line. The order of the fields lets three 8-byte stores set up a received packet.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = HeaderSize)]
public unsafe struct Mbuf
{
    /// <summary>Bytes of this header; the buffer of the mempool follows directly.</summary>
    public const int HeaderSize = 128;

    /// <summary>Free bytes in front of the data of a fresh packet, for headers that a program prepends (RTE_PKTMBUF_HEADROOM).</summary>
    public const int DefaultHeadroom = 128;

    /// <summary>Bytes of data that fit into a buffer by default (RTE_MBUF_DEFAULT_DATAROOM).</summary>
    public const int DefaultDataRoom = 2048;

    /// <summary>
    /// <see cref="BufferIova"/> of external data that only CPUs reach, such as a peer's memory (RTE_BAD_IOVA): ports whose
    /// device would read it copy it into the buffer behind the header instead.
    /// </summary>
    public const ulong NoIova = ulong.MaxValue;

    /// <summary>Start of the buffer, where the headroom begins; in another port's memory while <see cref="MbufFlags.External"/> is set.</summary>
    [FieldOffset(0)] public byte* Buffer;

    /// <summary>The address by which a device reaches <see cref="Buffer"/>.</summary>
    [FieldOffset(8)] public ulong BufferIova;

    /// <summary>Where the data starts, counted from <see cref="Buffer"/>, in bytes.</summary>
    [FieldOffset(16)] public ushort DataOffset;

    /// <summary>Id of the port that received the packet first: rings between ports of a process leave it as it is.</summary>
    [FieldOffset(18)] public ushort Port;

    /// <summary>Buffers that the packet is chained of; valid in the first.</summary>
    [FieldOffset(20)] public ushort SegmentCount;

    /// <summary>Bytes of <see cref="Buffer"/>, headroom included.</summary>
    [FieldOffset(22)] public ushort BufferLength;

    /// <summary>Bytes of the whole packet over all segments, without FCS; valid in the first.</summary>
    [FieldOffset(24)] public uint PacketLength;

    /// <summary>Bytes of data in this segment.</summary>
    [FieldOffset(28)] public ushort DataLength;

    /// <summary>The tag that the port stripped or shall insert, as the flags say.</summary>
    [FieldOffset(30)] public ushort VlanTci;

    /// <summary>What the port found out about the packet, and what it shall do when it sends it.</summary>
    [FieldOffset(32)] public MbufFlags Flags;

    /// <summary>The hash by which the port chose the rx queue, if the flags say so.</summary>
    [FieldOffset(40)] public uint RssHash;

    /// <summary>Bytes of the Ethernet header, VLAN tags in the frame included; for checksums that the port shall fill in.</summary>
    [FieldOffset(44)] public ushort L2Length;

    /// <summary>Bytes of the IP header, options or extension headers included; for checksums that the port shall fill in.</summary>
    [FieldOffset(46)] public ushort L3Length;

    /// <summary>The next segment of a chained packet; null in the last.</summary>
    [FieldOffset(48)] public Mbuf* Next;

    /// <summary>The pool that the buffer goes back to.</summary>
    [FieldOffset(56)] internal MempoolHeader* Pool;

    /// <summary>The owner of external data; valid while <see cref="MbufFlags.External"/> is set.</summary>
    [FieldOffset(64)] internal ExternalOwner* ExternalOwner;

    /// <summary>What the owner wants to be told when its data comes back, typically a descriptor index.</summary>
    [FieldOffset(72)] internal ulong ExternalCookie;

    /// <summary><see cref="BufferIova"/> of the buffer that follows this header.</summary>
    [FieldOffset(80)] internal ulong OwnIova;

    /// <summary>Time of reception in cycles of <see cref="CycleClock"/>, where the port fills it.</summary>
    [FieldOffset(88)] public ulong Timestamp;

    /// <summary>Room for the program; never touched by ports.</summary>
    [FieldOffset(96)] public fixed byte UserData[24];

    /// <summary>Debug builds: whether the buffer is in the pool or out of it.</summary>
    [FieldOffset(120)] internal uint State;

    /// <summary>The buffer of the mempool that follows this header.</summary>
    internal static byte* OwnBuffer(Mbuf* mbuf) => (byte*)mbuf + HeaderSize;

    /// <summary>
    /// Sets up a received packet of one segment that lies at the default headroom of its own buffer, with no flags:
    /// three stores of eight bytes each.
    /// </summary>
    /// <param name="mbuf">A buffer fresh from its pool.</param>
    /// <param name="rearm"><see cref="RearmValue"/> of the queue.</param>
    /// <param name="length">Bytes of the frame without FCS.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetReceived(Mbuf* mbuf, ulong rearm, int length)
    {
        *(ulong*)&mbuf->DataOffset = rearm;
        *(ulong*)&mbuf->PacketLength = (uint)length | ((ulong)(uint)length << 32);
        mbuf->Flags = MbufFlags.None;
    }

    /// <summary>The constant part of a received packet, for <see cref="SetReceived"/>; computed once per queue.</summary>
    public static ulong RearmValue(int portId, Mempool pool) =>
        DefaultHeadroom | ((ulong)(ushort)portId << 16) | (1UL << 32) | ((ulong)pool.BufferLength << 48);
}
