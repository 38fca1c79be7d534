using System.Runtime.CompilerServices;
using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// Which buffers a queue has handed to the kernel, so that they are not lost with a socket that is closed: the kernel
/// takes them out of its rings long before it is done with them. Belongs to the lcore of the queue, and to the control
/// plane while the port is stopped.
/// </summary>
/// <remarks>
/// A byte for every 2 KiB of the memory: buffers stand further apart, so none shares a byte with another. It says where in
/// the 2 KiB the buffer starts, in lines of 64 bytes, plus one. A store is all that a packet costs.
/// </remarks>
internal sealed unsafe class HeldBuffers(Umem umem) : IDisposable
{
    private const int SlotShift = 11;
    private const int LineShift = 6;
    private const uint LinesOfSlot = 1 << (SlotShift - LineShift);

    private readonly int _slots = (int)(umem.Length >> SlotShift) + 1;
    private readonly AlignedMemory _memory = new((umem.Length >> SlotShift) + 1);
    private byte* _table;

    /// <summary>The table; fetched once per burst.</summary>
    public byte* Table => _table != null ? _table : _table = _memory.Address;

    /// <summary>The kernel has a buffer from now on.</summary>
    /// <param name="table"><see cref="Table"/>.</param>
    /// <param name="offset">The mbuf's distance from <see cref="Umem.Base"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(byte* table, ulong offset) =>
        table[offset >> SlotShift] = (byte)(((uint)(offset >> LineShift) & (LinesOfSlot - 1)) + 1);

    /// <summary>It is back.</summary>
    /// <param name="table"><see cref="Table"/>.</param>
    /// <param name="offset">The mbuf's distance from <see cref="Umem.Base"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Remove(byte* table, ulong offset) => table[offset >> SlotShift] = 0;

    /// <summary>Gives all that the kernel has back to the pool. Only when the kernel is done with them.</summary>
    public void Release()
    {
        byte* table = Table;
        for (int i = 0; i < _slots; i++)
        {
            if (table[i] == 0)
                continue;
            var packet = new Packet((Mbuf*)(umem.Base + ((nuint)i << SlotShift) + ((nuint)(table[i] - 1) << LineShift)));
            umem.Pool.FreeRaw(new ReadOnlySpan<Packet>(in packet));
            table[i] = 0;
        }
    }

    public void Dispose() => _memory.Dispose();
}
