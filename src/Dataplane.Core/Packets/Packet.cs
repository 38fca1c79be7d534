using System.Runtime.CompilerServices;
using Dataplane.Memory;

namespace Dataplane.Packets;

/// <summary>
/// A packet in a buffer of a <see cref="Mempool"/>: a handle of eight bytes, copied freely. Exactly one holder owns the
/// packet at any time; a port's receive hands ownership to the caller, its send takes it for as many as it returns.
/// The owner sends the packet or frees it; after that no copy of the handle may be used.
/// </summary>
/// <remarks>No method allocates. What cannot be done returns false; nothing throws in Release builds.</remarks>
/// <param name="mbuf">The first buffer of the packet.</param>
public readonly unsafe struct Packet(Mbuf* mbuf) : IEquatable<Packet>
{
    /// <summary>The header of the first buffer, for drivers and for fields that have no property here.</summary>
    public Mbuf* Mbuf
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => mbuf;
    }

    /// <summary>Whether this is no packet (the default value).</summary>
    public bool IsNull => mbuf == null;

    /// <summary>The data of the first segment, which is the whole frame unless the packet is chained.</summary>
    public Span<byte> Data
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(mbuf->Buffer + mbuf->DataOffset, mbuf->DataLength);
    }

    /// <summary>Where the data of the first segment starts.</summary>
    public byte* DataPointer
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => mbuf->Buffer + mbuf->DataOffset;
    }

    /// <summary>Bytes of the whole packet over all segments, without FCS.</summary>
    public int Length
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (int)mbuf->PacketLength;
    }

    /// <summary>Buffers that the packet is chained of.</summary>
    public int SegmentCount => mbuf->SegmentCount;

    /// <summary>The next segment of a chained packet, as a handle to its data; null behind the last.</summary>
    public Packet NextSegment => new(mbuf->Next);

    /// <summary>Id of the port that received the packet first: rings between ports of a process leave it as it is.</summary>
    public int Port => mbuf->Port;

    /// <summary>Free bytes in front of the data.</summary>
    public int Headroom => mbuf->DataOffset;

    /// <summary>Free bytes behind the data of the last segment.</summary>
    public int Tailroom
    {
        get
        {
            Mbuf* last = LastSegment();
            return last->BufferLength - last->DataOffset - last->DataLength;
        }
    }

    /// <summary>Makes room in front of the data.</summary>
    /// <param name="length">Bytes to add.</param>
    /// <param name="room">The added bytes, whose content is undefined.</param>
    /// <returns>False, and nothing changed, if the headroom is smaller.</returns>
    public bool TryPrepend(int length, out Span<byte> room)
    {
        if ((uint)length > mbuf->DataOffset)
        {
            room = default;
            return false;
        }

        mbuf->DataOffset -= (ushort)length;
        mbuf->DataLength += (ushort)length;
        mbuf->PacketLength += (uint)length;
        room = new Span<byte>(DataPointer, length);
        return true;
    }

    /// <summary>Makes room behind the data of the last segment.</summary>
    /// <param name="length">Bytes to add.</param>
    /// <param name="room">The added bytes, whose content is undefined.</param>
    /// <returns>False, and nothing changed, if the tailroom is smaller.</returns>
    public bool TryAppend(int length, out Span<byte> room)
    {
        Mbuf* last = LastSegment();
        int end = last->DataOffset + last->DataLength;
        if ((uint)length > (uint)(last->BufferLength - end))
        {
            room = default;
            return false;
        }

        last->DataLength += (ushort)length;
        mbuf->PacketLength += (uint)length;
        room = new Span<byte>(last->Buffer + end, length);
        return true;
    }

    /// <summary>Removes bytes from the front of the first segment.</summary>
    /// <returns>False, and nothing changed, if the first segment has fewer.</returns>
    public bool TryAdjust(int length)
    {
        if ((uint)length > mbuf->DataLength)
            return false;
        mbuf->DataOffset += (ushort)length;
        mbuf->DataLength -= (ushort)length;
        mbuf->PacketLength -= (uint)length;
        return true;
    }

    /// <summary>Removes bytes from the end of the last segment.</summary>
    /// <returns>False, and nothing changed, if the last segment has fewer.</returns>
    public bool TryTrim(int length)
    {
        Mbuf* last = LastSegment();
        if ((uint)length > last->DataLength)
            return false;
        last->DataLength -= (ushort)length;
        mbuf->PacketLength -= (uint)length;
        return true;
    }

    /// <summary>Appends another packet as further segments; it belongs to this packet from then on.</summary>
    /// <returns>False, and nothing changed, if the chain would have more than 65535 segments or 2 GiB.</returns>
    public bool TryChain(Packet tail)
    {
        int segments = mbuf->SegmentCount + tail.Mbuf->SegmentCount;
        ulong length = (ulong)mbuf->PacketLength + tail.Mbuf->PacketLength;
        if (segments > ushort.MaxValue || length > int.MaxValue)
            return false;
        LastSegment()->Next = tail.Mbuf;
        mbuf->SegmentCount = (ushort)segments;
        mbuf->PacketLength = (uint)length;
        return true;
    }

    /// <summary>Copies the whole packet, over all segments.</summary>
    /// <returns>Bytes copied: <see cref="Length"/>, or 0 if the destination is smaller.</returns>
    public int CopyTo(Span<byte> destination)
    {
        if (destination.Length < Length)
            return 0;
        int copied = 0;
        for (Mbuf* segment = mbuf; segment != null; segment = segment->Next)
        {
            new Packet(segment).Data.CopyTo(destination[copied..]);
            copied += segment->DataLength;
        }

        return copied;
    }

    /// <summary>
    /// Makes an empty packet refer to data of another owner instead of its own buffer. There is no headroom and no
    /// tailroom, and whether the data may be written is between the program and the owner.
    /// </summary>
    /// <param name="data">The data; stays valid until it is released.</param>
    /// <param name="length">Bytes of data.</param>
    /// <param name="iova">
    /// The address by which devices reach the data. <see cref="Packets.Mbuf.NoIova"/> if they do not: then it must not be longer
    /// than the data room of the packet's pool, or ports of such devices drop it.
    /// </param>
    /// <param name="owner">Who is told when the packet is freed.</param>
    /// <param name="cookie">What the owner is told.</param>
    public void AttachExternal(byte* data, ushort length, ulong iova, ExternalOwner* owner, ulong cookie)
    {
        mbuf->Buffer = data;
        mbuf->BufferIova = iova;
        mbuf->DataOffset = 0;
        mbuf->BufferLength = length;
        mbuf->DataLength = length;
        mbuf->PacketLength = length;
        mbuf->ExternalOwner = owner;
        mbuf->ExternalCookie = cookie;
        mbuf->Flags |= MbufFlags.External;
    }

    /// <summary>Gives the packet, all its segments and its external data back. The handle is dead afterwards.</summary>
    public void Free()
    {
        var self = this;
        Free(new ReadOnlySpan<Packet>(in self));
    }

    /// <summary>Gives packets back to the pools they came from; as fast for a burst of one pool as <see cref="Mempool"/> is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(ReadOnlySpan<Packet> packets) => PacketRelease.Free(packets);

    /// <inheritdoc/>
    public bool Equals(Packet other) => mbuf == other.Mbuf;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Packet other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => ((nint)mbuf).GetHashCode();

    /// <summary>Whether two handles are of the same packet.</summary>
    public static bool operator ==(Packet left, Packet right) => left.Equals(right);

    /// <summary>Whether two handles are of different packets.</summary>
    public static bool operator !=(Packet left, Packet right) => !left.Equals(right);

    private Mbuf* LastSegment()
    {
        Mbuf* last = mbuf;
        while (last->Next != null)
            last = last->Next;
        return last;
    }
}
