using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Virtio;

/// <summary>Memory beside the ring that belongs to each buffer of a transmit queue, by its id.</summary>
internal static class TxRegion
{
    /// <summary>Bytes: two cache lines.</summary>
    public const int Length = 128;

    /// <summary>Where the table of descriptors starts; before it there is room for a header, two addresses and a VLAN tag.</summary>
    public const int TableOffset = 32;

    /// <summary>Descriptors of the table, split or packed; with buffers of 2 KB a frame of 9 KB has five.</summary>
    public const int TableEntries = (Length - TableOffset) / SplitDescriptor.Length;
}

/// <summary>Describes packets that need more than an empty header in front of one segment.</summary>
internal sealed unsafe class TxPieces(BufferAddresses addresses, bool hasChecksums) : IDisposable
{
    /// <summary>Pieces that a packet may have.</summary>
    public const int Most = 64;

    /// <summary>Where in a TCP or UDP header the checksum is (RFC 9293, RFC 768).</summary>
    private const int TcpChecksumOffset = 16, UdpChecksumOffset = 6;

    private const int AddressesLength = 2 * MacAddress.Length;

    private readonly AlignedMemory _pieces = new((nuint)(Most * sizeof(BufferPiece)));

    /// <summary>How many pieces the packet will have.</summary>
    public static int Count(Mbuf* mbuf)
    {
        int count = FitsInFront(mbuf) ? 0 : 1;
        for (Mbuf* segment = mbuf; segment != null; segment = segment->Next)
            count += segment->DataLength != 0 || segment == mbuf ? 1 : 0;
        return count;
    }

    /// <summary>Whether what the packet asks for can be done.</summary>
    public bool CanSend(Mbuf* mbuf)
    {
        if ((mbuf->Flags & MbufFlags.TxVlanInsert) != 0 && mbuf->DataLength <= AddressesLength)
            return false;
        return !AsksForChecksum(mbuf) || ChecksumStart(mbuf) + ChecksumOffset(mbuf) + sizeof(ushort) <= mbuf->PacketLength;
    }

    /// <summary>Puts header and VLAN tag in front and says where all pieces are, until the next call.</summary>
    /// <param name="mbuf">The packet; its headroom may be written.</param>
    /// <param name="region">Of the buffer; its start is used where the headroom is not.</param>
    /// <param name="regionAddress">Where the device finds the region.</param>
    public ReadOnlySpan<BufferPiece> Describe(Mbuf* mbuf, byte* region, ulong regionAddress)
    {
        var pieces = new Span<BufferPiece>((BufferPiece*)_pieces.Address, Most);
        int tag = TagLength(mbuf);
        byte* data = mbuf->Buffer + mbuf->DataOffset;
        ulong address = addresses.Of(mbuf) + mbuf->DataOffset;
        uint length = mbuf->DataLength;
        int count = 0;
        if (FitsInFront(mbuf))
        {
            int front = VirtioNetHeader.Length + tag;
            if (tag != 0)
                VlanTagging.Write(data, data - tag, mbuf->VlanTci);
            WriteHeader(mbuf, tag, data - front);
            pieces[count++] = new BufferPiece(address - (uint)front, length + (uint)front);
        }
        else
        {
            int copied = tag != 0 ? AddressesLength : 0;
            if (tag != 0)
                VlanTagging.Write(data, region + VirtioNetHeader.Length, mbuf->VlanTci);
            WriteHeader(mbuf, tag, region);
            pieces[count++] = new BufferPiece(regionAddress, (uint)(VirtioNetHeader.Length + copied + tag));
            pieces[count++] = new BufferPiece(address + (uint)copied, length - (uint)copied);
        }

        for (Mbuf* segment = mbuf->Next; segment != null; segment = segment->Next)
        {
            if (segment->DataLength != 0)
                pieces[count++] = new BufferPiece(addresses.Of(segment) + segment->DataOffset, segment->DataLength);
        }

        return pieces[..count];
    }

    public void Dispose() => _pieces.Dispose();

    private void WriteHeader(Mbuf* mbuf, int tag, byte* header)
    {
        VirtioNetHeader.Clear(header);
        if (!AsksForChecksum(mbuf))
            return;
        *(VirtioNetHeader*)header = new VirtioNetHeader
        {
            Flags = VirtioNetHeader.NeedsChecksum,
            ChecksumStart = (ushort)(ChecksumStart(mbuf) + tag),
            ChecksumOffset = (ushort)ChecksumOffset(mbuf),
        };
    }

    private bool AsksForChecksum(Mbuf* mbuf) =>
        hasChecksums && (mbuf->Flags & (MbufFlags.TxTcpChecksum | MbufFlags.TxUdpChecksum)) != 0;

    private static int ChecksumStart(Mbuf* mbuf) => mbuf->L2Length + mbuf->L3Length;

    private static int ChecksumOffset(Mbuf* mbuf) =>
        (mbuf->Flags & MbufFlags.TxTcpChecksum) != 0 ? TcpChecksumOffset : UdpChecksumOffset;

    private static int TagLength(Mbuf* mbuf) => (mbuf->Flags & MbufFlags.TxVlanInsert) != 0 ? VlanTagging.TagLength : 0;

    /// <summary>Whether header and tag go into the headroom; external data has an owner who may read what is in front of it.</summary>
    private static bool FitsInFront(Mbuf* mbuf) =>
        (mbuf->Flags & MbufFlags.External) == 0 && mbuf->DataOffset >= VirtioNetHeader.Length + TagLength(mbuf);
}
