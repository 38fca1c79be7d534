using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// Where a queue's registers have its ring: alike in all Intel NICs from the 82540 to the X550, for receive and transmit
/// queues of PFs and VFs. Offsets in bytes from the first of the queue's registers.
/// </summary>
internal static class RingRegisters
{
    /// <summary>Low half of the ring's address (RDBAL, TDBAL).</summary>
    public const int BaseLow = 0x00;

    /// <summary>High half of the ring's address (RDBAH, TDBAH).</summary>
    public const int BaseHigh = 0x04;

    /// <summary>Bytes of the ring (RDLEN, TDLEN).</summary>
    public const int Length = 0x08;

    /// <summary>The descriptor that the device uses next (RDH, TDH).</summary>
    public const int Head = 0x10;

    /// <summary>The descriptor behind the last that the device may use (RDT, TDT).</summary>
    public const int Tail = 0x18;

    /// <summary>Tells the device a ring, of which it may use no descriptor yet. The queue is not in use.</summary>
    /// <param name="registers">Of the device.</param>
    /// <param name="queue">The first of the queue's registers.</param>
    /// <param name="iova">Where the ring is.</param>
    /// <param name="byteLength">Bytes of it.</param>
    public static void Set<TRegisters>(TRegisters registers, int queue, ulong iova, int byteLength)
        where TRegisters : struct, IRegisterSpace
    {
        registers.Write32(queue + BaseLow, (uint)iova);
        registers.Write32(queue + BaseHigh, (uint)(iova >> 32));
        registers.Write32(queue + Length, (uint)byteLength);
        registers.Write32(queue + Head, 0);
        registers.Write32(queue + Tail, 0);
    }
}
