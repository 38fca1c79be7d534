using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vfio.Nics.Intel;

/// <content>Packets of several buffers, and what the device found out about them.</content>
internal unsafe partial class IntelRxQueue<TRegisters, TFormat>
{
    /// <summary>More than the longest frame of any device in the smallest buffers (16 KiB by 256 bytes).</summary>
    private const int MaxSegments = 80;

    /// <summary>IEEE 802.1Q, in the upper half of a tag.</summary>
    private const uint VlanEtherType = 0x8100_0000;

    private const int VlanShift = 48;
    private const int RssHashShift = 32;

    private readonly int _errorShift;

    /// <summary>Flags that the program asked for.</summary>
    private readonly MbufFlags _reported;

    // A packet whose end has not arrived yet, and whether it will be dropped then.
    private Mbuf* _chain;
    private Mbuf* _chainEnd;
    private bool _isBroken;

    /// <summary>
    /// Checksum flags by four bits of the descriptor: L4I, IPCS, L4E, IPE from the lowest. What was not looked at is
    /// neither good nor bad.
    /// </summary>
    private static ReadOnlySpan<byte> ChecksumFlags =>
    [
        0, L4Good, IpGood, IpGood | L4Good,
        0, L4Bad, IpGood, IpGood | L4Bad,
        0, L4Good, IpBad, IpBad | L4Good,
        0, L4Bad, IpBad, IpBad | L4Bad,
    ];

    private const byte IpGood = (byte)MbufFlags.RxIpChecksumGood;
    private const byte IpBad = (byte)MbufFlags.RxIpChecksumBad;
    private const byte L4Good = (byte)MbufFlags.RxL4ChecksumGood;
    private const byte L4Bad = (byte)MbufFlags.RxL4ChecksumBad;

    private static MbufFlags Reported(PortOffloads offloads)
    {
        MbufFlags flags = MbufFlags.None;
        if (offloads.HasFlag(PortOffloads.RxVlanStrip))
            flags |= MbufFlags.RxVlanStripped;
        if (offloads.HasFlag(PortOffloads.RxRssHash))
            flags |= MbufFlags.RxRssHash;
        if (offloads.HasFlag(PortOffloads.RxIpChecksum))
            flags |= MbufFlags.RxIpChecksumGood | MbufFlags.RxIpChecksumBad;
        if (offloads.HasFlag(PortOffloads.RxL4Checksum))
            flags |= MbufFlags.RxL4ChecksumGood | MbufFlags.RxL4ChecksumBad;
        return flags;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int ReceiveAny(Span<Packet> burst)
    {
        int received = 0;
        int done;
        do
        {
            done = CountDone(_next, burst.Length - received);
            IoBarrier.Load();
            for (int i = 0; i < done; i++, _next++)
            {
                uint index = _next & _mask;
                if (TakeBuffer(_packets[index].Mbuf, _descriptors[index]))
                    burst[received++] = TakeChain();
            }

            if (_next - _refilled >= Block)
                Refill(_next);
        }
        while (done != 0 && received < burst.Length);

        Counters->Packets += (uint)received;
        Counters->Bytes += PacketBurst.TotalLength(burst[..received]);
        return received;
    }

    /// <summary>
    /// Adds a buffer to the packet that is under way. A device that claims more than a buffer holds, or a frame that never
    /// ends, is not believed: such a packet is dropped, as is one that the device found broken.
    /// </summary>
    /// <returns>Whether the packet ends with it, and is good.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TakeBuffer(Mbuf* mbuf, Descriptor descriptor)
    {
        var length = (ushort)(descriptor.High >> TFormat.LengthShift);
        Mbuf.SetReceived(mbuf, _rearm, length);
        _isBroken |= length > _room || (descriptor.High & _settings.FrameErrors) != 0;
        if (_chain == null)
        {
            _chain = mbuf;
            _chainEnd = mbuf;
        }
        else if (_chain->SegmentCount != MaxSegments)
        {
            _chainEnd->Next = mbuf;
            _chainEnd = mbuf;
            _chain->SegmentCount++;
            _chain->PacketLength += length;
        }
        else
        {
            _isBroken = true;
            new Packet(mbuf).Free();
        }

        if ((descriptor.High & TFormat.EndOfPacket) == 0)
            return false;
        if (_isBroken)
        {
            Counters->Errors++;
            ReleaseChain();
            return false;
        }

        // What the device found out about the frame stands with its last buffer.
        Describe(_chain, descriptor);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Packet TakeChain()
    {
        var packet = new Packet(_chain);
        _chain = null;
        return packet;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Describe(Mbuf* mbuf, Descriptor descriptor)
    {
        ulong status = descriptor.High;
        int seen = (int)((status >> TFormat.CheckedShift) & 3) | (int)(((status >> _errorShift) & 3) << 2);
        var flags = (MbufFlags)ChecksumFlags[seen];
        if ((status & TFormat.Vlan) != 0)
            flags |= MbufFlags.RxVlanStripped;
        if ((descriptor.Low & TFormat.RssType) != 0)
            flags |= MbufFlags.RxRssHash;
        mbuf->Flags = flags & _reported;
        mbuf->VlanTci = (ushort)(status >> VlanShift);
        mbuf->RssHash = (uint)(descriptor.Low >> RssHashShift);
        if (_settings.RestoresVlan && (status & TFormat.Vlan) != 0)
            RestoreVlan(mbuf);
    }

    /// <summary>Puts a tag back behind the addresses; there is headroom before them.</summary>
    private static void RestoreVlan(Mbuf* mbuf)
    {
        const int Addresses = 2 * MacAddress.Length;
        var packet = new Packet(mbuf);
        if (mbuf->DataLength < Addresses || !packet.TryPrepend(sizeof(uint), out _))
            return;
        Span<byte> data = packet.Data;
        data.Slice(sizeof(uint), Addresses).CopyTo(data);
        BinaryPrimitives.WriteUInt32BigEndian(data[Addresses..], VlanEtherType | mbuf->VlanTci);
    }

    private void ReleaseChain()
    {
        if (_chain != null)
            TakeChain().Free();
        _isBroken = false;
    }
}
