using Dataplane.Linux;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Igb.IgbQueueRegisters;
using static Dataplane.Vfio.Nics.Intel.RingRegisters;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>Makes the queues of a PF or VF, gives their rings to the device and takes them back.</summary>
/// <param name="registers">Of the device.</param>
/// <param name="layout">Where those of queues are.</param>
/// <param name="port">Whose queues they are.</param>
internal sealed class IgbQueues<TRegisters>(TRegisters registers, IgbQueueRegisters layout, PortContext port)
    where TRegisters : struct, IRegisterSpace
{
    /// <summary>The longest frame that the devices send, without FCS: 9.5 KiB with it (82576 data sheet 1.3, "jumbo frames").</summary>
    public const int MaxFrame = 9728 - 4;

    /// <summary>The largest MTU: what a frame holds behind addresses, VLAN tag and type.</summary>
    public const int MaxMtu = MaxFrame - 18;

    private static readonly TimeSpan s_switchTime = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_sendTime = TimeSpan.FromMilliseconds(50);

    private readonly List<AdvancedRxQueue<TRegisters>> _rx = [];
    private readonly List<AdvancedTxQueue<TRegisters>> _tx = [];

    /// <summary>Forgets the queues, which are disposed by the port.</summary>
    public void Clear()
    {
        _rx.Clear();
        _tx.Clear();
    }

    /// <summary>Makes a receive queue.</summary>
    /// <param name="context">As the port got it.</param>
    /// <param name="chains">Whether a frame may take several buffers.</param>
    /// <param name="signal">What its interrupt signals; null if it has none.</param>
    /// <param name="maskSet">EIMS.</param>
    /// <param name="maskClear">EIMC.</param>
    public RxQueue AddRx(RxQueueContext context, bool chains, EventFd? signal, int maskSet, int maskClear)
    {
        var queue = new AdvancedRxQueue<TRegisters>(context, port, registers, new AdvancedRxSettings
        {
            TailRegister = layout.Rx(context.Index) + Tail,
            ErrorShift = AdvancedRx.GigabitErrorShift,
            Chains = chains,
            Interrupt = signal is null ? null : new RxInterrupt(signal, maskSet, maskClear, 1u << (context.Index + 1)),
        });
        _rx.Add(queue);
        return queue;
    }

    /// <summary>Makes a transmit queue.</summary>
    public TxQueue AddTx(TxQueueContext context)
    {
        var queue = new AdvancedTxQueue<TRegisters>(context, port, registers, new AdvancedTxSettings
        {
            TailRegister = layout.Tx(context.Index) + Tail,
            MaxFrame = MaxFrame,
        });
        _tx.Add(queue);
        return queue;
    }

    /// <summary>Gives the device all rings and switches the queues on; it has no buffers yet.</summary>
    /// <param name="bufferKilobytes">KiB of each receive buffer.</param>
    /// <param name="drops">Whether frames for which a queue has no buffer are dropped rather than kept.</param>
    /// <exception cref="DataplaneException">There are not enough buffers, or the device does not react.</exception>
    public void Start(int bufferKilobytes, bool drops)
    {
        for (int i = 0; i < _rx.Count; i++)
        {
            _rx[i].Fill(port.Name);
            int queue = layout.Rx(i);
            registers.Write32(queue + Srrctl, SrrctlOneBuffer | (uint)bufferKilobytes | (drops ? SrrctlDrop : 0));
            SwitchOn(queue, _rx[i].Ring, RxThresholds, $"RXDCTL{i}.ENABLE");
        }

        for (int i = 0; i < _tx.Count; i++)
            SwitchOn(layout.Tx(i), _tx[i].Ring, TxThresholds, $"TXDCTL{i}.ENABLE");
    }

    /// <summary>Shows the device its receive buffers; receiving is on (82576 data sheet 4.5.9).</summary>
    public void ShowBuffers()
    {
        foreach (AdvancedRxQueue<TRegisters> queue in _rx)
            queue.Publish();
    }

    /// <summary>
    /// Waits, within a bound, until everything is sent. If one queue stands still, so do the others: the link is down, or the
    /// device is gone.
    /// </summary>
    public void WaitUntilSent()
    {
        bool isMoving = true;
        for (int i = 0; i < _tx.Count && isMoving; i++)
            isMoving = RegisterWait.TryUntil(registers, layout.Tx(i) + Head, ushort.MaxValue, _tx[i].Tail, s_sendTime, out _);
    }

    /// <summary>Switches all queues off. The first that does not react within a bound ends the wait.</summary>
    /// <returns>False if one did not react: the device must be reset before memory is freed.</returns>
    public bool TrySwitchOff()
    {
        int[] queues = [.. _tx.Select((_, i) => layout.Tx(i)), .. _rx.Select((_, i) => layout.Rx(i))];
        foreach (int queue in queues)
            registers.Write32(queue + Control, 0);
        return queues.All(
            queue => RegisterWait.TryUntil(registers, queue + Control, ControlEnable, 0, s_switchTime, out _));
    }

    /// <summary>Frees all packets; the device has no access to memory any more.</summary>
    public void Release()
    {
        foreach (AdvancedRxQueue<TRegisters> queue in _rx)
            queue.Release();
        foreach (AdvancedTxQueue<TRegisters> queue in _tx)
            queue.Release();
    }

    private void SwitchOn(int queue, DescriptorRing ring, uint thresholds, string name)
    {
        registers.Write32(queue + Control, 0);
        RingRegisters.Set(registers, queue, ring.Iova, ring.ByteLength);
        registers.Write32(queue + Control, thresholds | ControlEnable);
        RegisterWait.Until(registers, queue + Control, ControlEnable, ControlEnable, s_switchTime, port.Name, name);
    }
}
