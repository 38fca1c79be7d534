using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vfio.Nics.Intel;

/// <content>Packets of several buffers, and what the device found out about them.</content>
internal sealed unsafe partial class AdvancedRxQueue<TRegisters>
{
    private readonly int _errorShift;

    /// <summary>Flags that the program asked for.</summary>
    private readonly MbufFlags _reported;

    // A packet whose end has not arrived yet.
    private Mbuf* _chain;
    private Mbuf* _chainEnd;

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

    /// <summary>Adds a buffer to the packet that is under way.</summary>
    /// <returns>Whether the packet ends with it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TakeBuffer(Mbuf* mbuf, Descriptor descriptor)
    {
        var length = (ushort)(descriptor.High >> AdvancedRx.LengthShift);
        Mbuf.SetReceived(mbuf, _rearm, length);
        if (_chain == null)
        {
            _chain = mbuf;
        }
        else
        {
            _chainEnd->Next = mbuf;
            _chain->SegmentCount++;
            _chain->PacketLength += length;
        }

        _chainEnd = mbuf;
        if ((descriptor.High & AdvancedRx.EndOfPacket) == 0)
            return false;
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
        int seen = (int)((status >> AdvancedRx.CheckedShift) & 3) | (int)(((status >> _errorShift) & 3) << 2);
        var flags = (MbufFlags)ChecksumFlags[seen];
        if ((status & AdvancedRx.Vlan) != 0)
            flags |= MbufFlags.RxVlanStripped;
        if ((descriptor.Low & AdvancedRx.RssType) != 0)
            flags |= MbufFlags.RxRssHash;
        mbuf->Flags = flags & _reported;
        mbuf->VlanTci = (ushort)(status >> AdvancedRx.VlanShift);
        mbuf->RssHash = (uint)(descriptor.Low >> AdvancedRx.RssHashShift);
    }

    private void ReleaseChain()
    {
        if (_chain != null)
            TakeChain().Free();
    }
}
