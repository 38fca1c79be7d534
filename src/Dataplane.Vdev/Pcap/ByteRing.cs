using System.Numerics;
using System.Runtime.CompilerServices;
using Dataplane.Memory;
using Dataplane.Rings;

namespace Dataplane.Vdev.Pcap;

/// <summary>
/// A bounded stream of bytes from one producer thread to one consumer thread; neither ever waits in here.
/// </summary>
/// <remarks>
/// Barriers, and why (x86-64 | Arm):
/// <code>
/// producer  bytes written -> index published  Volatile.Write: no index is seen before its bytes      (mov | stlr)
/// consumer  index read    -> bytes read       Volatile.Read: no bytes are read before their index    (mov | ldar)
/// consumer  bytes read    -> index published  Volatile.Write: no bytes are overwritten while read    (mov | stlr)
/// producer  index read    -> bytes written    Volatile.Read: no room is used before it is free       (mov | ldar)
/// </code>
/// </remarks>
internal sealed unsafe class ByteRing : IDisposable
{
    private readonly AlignedMemory _memory;
    private readonly RingIndex* _producer;
    private readonly RingIndex* _consumer;
    private readonly byte* _bytes;
    private readonly uint _mask;

    /// <summary>Makes an empty ring in unmanaged memory.</summary>
    /// <param name="capacity">Bytes that fit; a power of two.</param>
    public ByteRing(int capacity)
    {
        if (!BitOperations.IsPow2(capacity))
            throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "must be a power of two");
        _memory = new AlignedMemory((2 * (nuint)sizeof(RingIndex)) + (nuint)capacity);
        _producer = (RingIndex*)_memory.Address;
        _consumer = _producer + 1;
        _bytes = (byte*)(_consumer + 1);
        _mask = (uint)capacity - 1;
    }

    /// <summary>How much the consumer has taken so far, modulo 2^32; it changes when there is progress.</summary>
    public uint Taken => Volatile.Read(ref _consumer->Published);

    /// <summary>Producer: where it goes on to write; runs freely through 32 bits.</summary>
    public uint Head => _producer->Published;

    /// <summary>Producer: bytes that can be written from a position on.</summary>
    public uint RoomAt(uint position) => _mask + 1 - (position - Taken);

    /// <summary>Producer: writes behind what was published, without publishing it; there must be room.</summary>
    /// <returns>The position behind what was written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Write(uint position, void* source, int length)
    {
        uint start = position & _mask;
        uint first = Math.Min((uint)length, _mask + 1 - start);
        Unsafe.CopyBlockUnaligned(_bytes + start, source, first);
        if (first != (uint)length)
            Unsafe.CopyBlockUnaligned(_bytes, (byte*)source + first, (uint)length - first);
        return position + (uint)length;
    }

    /// <summary>Producer: shows the consumer everything before a position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish(uint position) => Volatile.Write(ref _producer->Published, position);

    /// <summary>Consumer: the next bytes in one piece; what lies behind the wrap comes with the next call.</summary>
    public ReadOnlySpan<byte> Peek()
    {
        uint tail = _consumer->Published;
        uint start = tail & _mask;
        uint length = Math.Min(Volatile.Read(ref _producer->Published) - tail, _mask + 1 - start);
        return new ReadOnlySpan<byte>(_bytes + start, (int)length);
    }

    /// <summary>Consumer: gives bytes back that it has peeked at.</summary>
    public void Release(int length) => Volatile.Write(ref _consumer->Published, _consumer->Published + (uint)length);

    public void Dispose() => _memory.Dispose();
}
