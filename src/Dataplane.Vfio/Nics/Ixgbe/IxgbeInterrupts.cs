using Dataplane.Linux;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>
/// Interrupts of a physical function (82599 4.6.6): vector 0 for the link, vectors 1 and up for the rx queues that wake
/// sleeping lcores.
/// </summary>
internal static class IxgbeInterrupts
{
    private const int CausesPerRegister = 32;

    /// <summary>Which of the causes an rx queue has: with several vectors, the one of its vector.</summary>
    public static RxInterrupt ForQueue(int queue, EventFd signal)
    {
        int vector = queue + 1;
        int register = vector / CausesPerRegister * sizeof(uint);
        return new RxInterrupt(signal, EimsEx + register, EimcEx + register, 1u << (vector % CausesPerRegister));
    }

    /// <summary>Programs the causes; the bus lets them through already. The link may interrupt from now on.</summary>
    /// <param name="device">The device.</param>
    /// <param name="rxQueues">Rx queues with a vector.</param>
    /// <param name="hasVectors">Whether there are several vectors.</param>
    public static void Enable<TRegisters>(IxgbeDevice<TRegisters> device, int rxQueues, bool hasVectors)
        where TRegisters : struct, IRegisterSpace
    {
        // 8.2.3.5.18: reading EICR clears the causes of vector 0 only, and a queue's vector masks itself (EIAM).
        device.Write(
            Gpie,
            hasVectors ? GpieMultipleMsix | GpieOtherClearDisable | GpieExtendedAutoMask | GpiePbaSupport : 0);
        device.Write(IvarMisc, IvarValid << 8); // upper byte: every cause but the TCP timer, vector 0
        for (int queue = 0; queue < rxQueues; queue++)
            MapQueue(device, queue, vector: queue + 1);
        _ = device.Read(Eicr);
        device.Write(Eims, EicrLinkStatusChange);
    }

    /// <summary>Nothing interrupts any more.</summary>
    public static void Disable<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        device.Write(Eimc, EimcAll);
        device.Write(EimcEx, uint.MaxValue);
        device.Write(EimcEx + sizeof(uint), uint.MaxValue);
        device.Flush();
    }

    private static void MapQueue<TRegisters>(IxgbeDevice<TRegisters> device, int queue, int vector)
        where TRegisters : struct, IRegisterSpace
    {
        // 8.2.3.5.16: a register has rx and tx of two queues, a byte each.
        int shift = queue % 2 * 16;
        device.Change(
            Ivar + (queue / 2 * sizeof(uint)), set: (uint)(IvarValid | vector) << shift, clear: 0xFFu << shift);
        int register = vector / CausesPerRegister * sizeof(uint);
        device.Change(EiamEx + register, set: 1u << (vector % CausesPerRegister), clear: 0);
        // A lcore sleeps once and is woken once: there is nothing to moderate (8.2.3.5.12).
        device.Write(Eitr(vector), 0);
        if (vector < EiacVectors)
            device.Change(Eiac, set: 1u << vector, clear: 0);
    }

    private static int Eitr(int vector) => vector < EitrLowCount
        ? EitrLow + (vector * sizeof(uint))
        : EitrHigh + ((vector - EitrLowCount) * sizeof(uint));

    /// <summary>Causes of the vectors above clear themselves (8.2.3.5.4).</summary>
    private const int EiacVectors = 16;
}
