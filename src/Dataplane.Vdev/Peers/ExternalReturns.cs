using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Vdev.Peers;

/// <summary>
/// Remembers which of a peer's buffers packets still refer to, and gives them back in the order in which they came, as a
/// ring wants it. A slot is a byte, which whoever frees the packet sets; the queue's lcore looks at its next receive.
/// </summary>
/// <remarks>
/// Belongs to one connection of one queue; the next connection gets another, so that it need not wait for packets of the
/// last. The memory that packets call back into is not moved, and stays until <see cref="Dispose"/>.
/// Barriers, and why (x86-64 | Arm):
/// <code>
/// data read by whoever had the packet -> returned = 1              release: the peer may write it afterwards   (none | stlrb)
/// returned is read                    -> the buffer goes back      acquire, of the same                        (none | ldar)
/// </code>
/// </remarks>
internal sealed unsafe class ExternalReturns : IRetirable
{
    private const ulong AllOfEight = 0x0101_0101_0101_0101;

    // Not in a safe handle: a finalizer must not free what packets call back into.
    private readonly State* _state;
    private readonly byte* _returned;
    private readonly uint _mask;
    private uint _next;
    private uint _oldest;

    /// <param name="slots">Buffers that can be out at once: a power of two, at least that of the ring.</param>
    public ExternalReturns(int slots)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(slots);
        slots = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(slots, sizeof(ulong)));
        nuint length = (nuint)(sizeof(State) + slots);
        _state = (State*)NativeMemory.AlignedAlloc(length, AlignedMemory.Alignment);
        NativeMemory.Clear(_state, length);
        _returned = (byte*)(_state + 1);
        _mask = (uint)slots - 1;
        _state->Owner.Release = &Release;
    }

    /// <summary>For <see cref="Packet.AttachExternal"/>; the cookie is the slot.</summary>
    public ExternalOwner* Owner => &_state->Owner;

    /// <summary>Slots that are taken and not swept yet. By the queue's lcore, or by the control thread while the gate is closed.</summary>
    public int Outstanding => (int)(_next - _oldest);

    /// <summary>Whether no slot is left. By the queue's lcore.</summary>
    public bool IsFull => _next - _oldest > _mask;

    /// <summary>Whether everything is back, swept or not. By the control thread while the gate is closed.</summary>
    public bool IsIdle
    {
        get
        {
            for (uint slot = _oldest; slot != _next; slot++)
            {
                if (Volatile.Read(ref _returned[slot & _mask]) == 0)
                    return false;
            }

            return true;
        }
    }

    /// <summary>Takes the next slot; there must be one, which a queue that takes no more buffers than its ring has knows. By the queue's lcore.</summary>
    /// <returns>The cookie for the packet; or it is marked as returned at once.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Take()
    {
        Debug.Assert(!IsFull, "the ring has more buffers than there are slots");
        return _next++ & _mask;
    }

    /// <summary>The buffer is done with: its frame was copied, or dropped. By the queue's lcore.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MarkReturned(uint slot) => _returned[slot & _mask] = 1;

    /// <summary>Forgets the slots that are back, from the oldest on up to the first that is out. By the queue's lcore.</summary>
    /// <returns>How many buffers are to be given back, in the order in which slots were taken.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Sweep()
    {
        uint start = _oldest;
        uint oldest = start;
        while (oldest != _next)
        {
            byte* flag = _returned + (oldest & _mask);
            if ((oldest & (sizeof(ulong) - 1)) == 0 && Volatile.Read(ref *(ulong*)flag) == AllOfEight)
            {
                *(ulong*)flag = 0;
                oldest += sizeof(ulong);
                continue;
            }

            if (Volatile.Read(ref *flag) == 0)
                break;
            *flag = 0;
            oldest++;
        }

        _oldest = oldest;
        return (int)(oldest - start);
    }

    /// <summary>Gives the memory back, once. No packet may refer to it any more: see <see cref="PeerLoop.Retire"/>.</summary>
    public void Dispose() => NativeMemory.AlignedFree(_state);

    private static void Release(ExternalOwner* owner, ulong cookie) =>
        Volatile.Write(ref ((byte*)owner)[sizeof(State) + (nint)cookie], 1);

    /// <summary>What packets point to; the flags follow.</summary>
    [StructLayout(LayoutKind.Sequential, Size = AlignedMemory.Alignment)]
    private struct State
    {
        public ExternalOwner Owner;
    }
}
