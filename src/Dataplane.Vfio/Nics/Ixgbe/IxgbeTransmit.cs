using Dataplane.Vfio.Devices;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>The transmit unit of a physical function (82599 4.6.8).</summary>
internal static class IxgbeTransmit
{
    /// <summary>
    /// All of the transmit packet buffer, and the fill at which no more is fetched, in KiB: room for the longest frame below
    /// (4.6.11.3.4, 8.2.3.9.16).
    /// </summary>
    private const uint PacketBuffer = 160;
    private const uint PacketBufferThreshold = PacketBuffer - 16;

    /// <summary>Settings of the whole unit, before any queue.</summary>
    public static void Initialize<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        device.Change(Hlreg0, set: Hlreg0TxCrc | Hlreg0TxPad, clear: 0);
        // 4.6.11.3.3: the mode of the queues changes only while the arbiter is off.
        device.Change(Rttdcs, set: RttdcsArbiterDisable, clear: 0);
        device.Write(Mtqc, 0);
        for (int i = 0; i < PacketBufferCount; i++)
        {
            device.Write(Txpbsize + (i * sizeof(uint)), i == 0 ? PacketBuffer << KilobyteShift : 0);
            device.Write(Txpbthresh + (i * sizeof(uint)), i == 0 ? PacketBufferThreshold : 0);
        }

        device.Write(Dtxmxszrq, DtxmxszrqWithoutDcb);
        device.Change(Rttdcs, set: 0, clear: RttdcsArbiterDisable);
    }

    /// <summary>Opens the unit; the queues are enabled behind it.</summary>
    public static void Open<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace =>
        device.Change(Dmatxctl, set: DmatxctlEnable, clear: 0);

    /// <summary>Closes the unit.</summary>
    public static void Close<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace =>
        device.Change(Dmatxctl, set: 0, clear: DmatxctlEnable);
}
