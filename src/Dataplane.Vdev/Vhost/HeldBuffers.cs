using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Vhost;

/// <summary>
/// Buffers of a guest that it has not got back yet: packets still refer to some, others wait behind those. They go back in
/// the order in which they came, so that a ring that we leave without a word can be taken up by another back end; but one
/// that a program keeps is passed over after a while, unless the guest relies on the order (VIRTIO_F_IN_ORDER).
/// </summary>
/// <remarks>
/// Belongs to one connection of one ring. The memory that packets call back into is not moved, and stays until
/// <see cref="Dispose"/>. Barriers, and why (x86-64 | Arm):
/// <code>
/// data read by whoever had the packet -> out = 0          release: the guest may write it afterwards   (none | stlrb)
/// out is read                         -> the buffer goes back   acquire, of the same                   (none | ldarb)
/// </code>
/// </remarks>
internal sealed unsafe class HeldBuffers : IRetirable
{
    /// <summary>Looks at a buffer that is out before it is passed over: about a millisecond of a lcore that polls.</summary>
    private const int Patience = 8192;

    // Not in a safe handle: a finalizer must not free what packets call back into.
    private readonly State* _state;
    private readonly byte* _out;
    private readonly uint* _order;
    private readonly uint _mask;
    private readonly bool _keepsOrder;
    private uint _oldest;
    private uint _next;
    private int _looks;

    /// <param name="size">Descriptors of the ring; ids are less.</param>
    /// <param name="keepsOrder">Whether no buffer may be passed over.</param>
    public HeldBuffers(int size, bool keepsOrder)
    {
        uint slots = BitOperations.RoundUpToPowerOf2((uint)size);
        nuint length = (nuint)(sizeof(State) + (slots * (sizeof(uint) + sizeof(byte))));
        _state = (State*)NativeMemory.AlignedAlloc(length, AlignedMemory.Alignment);
        NativeMemory.Clear(_state, length);
        _out = (byte*)(_state + 1);
        _order = (uint*)(_out + slots);
        _mask = slots - 1;
        _keepsOrder = keepsOrder;
        _state->Owner.Release = &Release;
    }

    /// <summary>For <see cref="Packet.AttachExternal"/>; the cookie is the buffer's id.</summary>
    public ExternalOwner* Owner => &_state->Owner;

    /// <summary>Whether the guest has everything back.</summary>
    public bool IsEmpty
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _oldest == _next;
    }

    /// <summary>Where the next buffer will be held, for <see cref="TokenAt"/>.</summary>
    public uint End => _next;

    /// <summary>How many more can be held.</summary>
    public int Room => (int)(_mask + 1 - (_next - _oldest));

    /// <summary>Whether no packet refers to a buffer. By the control thread, when the lcore is out of the queue for good.</summary>
    public bool IsIdle => new ReadOnlySpan<byte>(_out, (int)_mask + 1).IndexOfAnyExcept((byte)0) < 0;

    /// <summary>Whether a packet refers to a buffer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsOut(uint id) => Volatile.Read(ref _out[id & _mask]) != 0;

    /// <summary>Says that a packet refers to a buffer from now on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetOut(uint id) => _out[id & _mask] = 1;

    /// <summary>Holds a buffer; there must be room.</summary>
    /// <param name="token">Its id in the lower 16 bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Hold(uint token) => _order[_next++ & _mask] = token;

    /// <summary>A buffer that is held.</summary>
    /// <param name="place"><see cref="End"/> when it was not held yet.</param>
    public uint TokenAt(uint place) => _order[place & _mask];

    /// <summary>Takes a buffer that can go back.</summary>
    /// <returns>False if none can now.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(out uint token)
    {
        token = 0;
        if (IsEmpty)
            return false;
        token = _order[_oldest & _mask];
        if (IsOut((ushort)token))
            return TryTakeBehind(out token);
        _oldest++;
        _looks = 0;
        return true;
    }

    /// <summary>Takes a buffer although a packet may refer to it. When the ring stops.</summary>
    public bool TryTakeAny(out uint token)
    {
        token = 0;
        if (IsEmpty)
            return false;
        token = _order[_oldest++ & _mask];
        return true;
    }

    /// <summary>Gives the memory back, once. No packet may refer to it any more: see <see cref="PeerLoop.Retire"/>.</summary>
    public void Dispose() => NativeMemory.AlignedFree(_state);

    /// <summary>The oldest is out: has it been for so long that it goes to the end of the queue?</summary>
    private bool TryTakeBehind(out uint token)
    {
        token = 0;
        if (_keepsOrder || ++_looks < Patience)
            return false;
        uint end = _next;
        while (_oldest != end)
        {
            token = _order[_oldest++ & _mask];
            if (!IsOut((ushort)token))
                return true;
            _order[_next++ & _mask] = token;
        }

        _looks = 0;
        return false;
    }

    private static void Release(ExternalOwner* owner, ulong cookie) =>
        Volatile.Write(ref ((byte*)owner)[sizeof(State) + (nint)cookie], 0);

    /// <summary>What packets point to; the flags follow, then the order.</summary>
    [StructLayout(LayoutKind.Sequential, Size = AlignedMemory.Alignment)]
    private struct State
    {
        public ExternalOwner Owner;
    }
}
