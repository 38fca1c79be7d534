using Dataplane.Linux;
using Dataplane.Ports;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.E1000.E1000Registers;
using static Dataplane.Vfio.Nics.Intel.GigabitRegisters;
using static Dataplane.Vfio.Nics.Intel.RingRegisters;

namespace Dataplane.Vfio.Nics.E1000;

/// <content>Queues: 8254x with legacy receive descriptors, 82574 with extended ones.</content>
internal sealed partial class E1000Port<TRegisters, TRx>
{
    protected override RxQueue CreateRxQueue(RxQueueContext context)
    {
        int registers = RxRegisters(context.Index);
        var settings = new AdvancedRxSettings
        {
            TailRegister = registers + Tail,
            ErrorShift = _model.IsExpress ? AdvancedRx.GigabitErrorShift : LegacyRx.ErrorShift,
            FrameErrors = _model.IsExpress ? ExtendedRx.FrameErrors : LegacyRx.FrameErrors,
            RestoresVlan = context.Offloads.HasFlag(PortOffloads.TxVlanInsert)
                && !context.Offloads.HasFlag(PortOffloads.RxVlanStrip),
            Chains = Mtu + _model.MaxFrame - _model.MaxMtu > _bufferSize,
            Interrupt = _signals.TryGet(context.Index, out EventFd? signal)
                ? new RxInterrupt(signal, Ims, Imc, CauseRxQueue0 << context.Index)
                : null,
        };
        return new IntelRxQueue<TRegisters, TRx>(context, _context, _registers, settings);
    }

    protected override TxQueue CreateTxQueue(TxQueueContext context)
    {
        var settings = new AdvancedTxSettings
        {
            TailRegister = TxRegisters(context.Index) + Tail,
            MaxFrame = _model.MaxFrame,
        };
        return new IntelTxQueue<TRegisters, E1000Tx>(context, _context, _registers, settings);
    }

    private IEnumerable<IntelRxQueue<TRegisters, TRx>> RxRings => RxQueues.Cast<IntelRxQueue<TRegisters, TRx>>();

    private IEnumerable<IntelTxQueue<TRegisters, E1000Tx>> TxRings =>
        TxQueues.Cast<IntelTxQueue<TRegisters, E1000Tx>>();

    /// <summary>Tells the device all rings; those of queues that are not configured are taken away.</summary>
    private void StartQueues(PortConfiguration configuration)
    {
        for (int i = 0; i < _model.Queues; i++)
        {
            _hardware.ClearRing(RxRegisters(i));
            _hardware.ClearRing(TxRegisters(i));
        }

        uint txThresholds = _model.IsExpress ? TxThresholds | TxThresholdsMustBeOne : TxThresholds;
        foreach (IntelTxQueue<TRegisters, E1000Tx> queue in TxRings)
            _hardware.SetRing(TxRegisters(queue.Index), queue.Ring.Iova, queue.Ring.ByteLength, txThresholds);
        foreach (IntelRxQueue<TRegisters, TRx> queue in RxRings)
        {
            queue.Fill(Name);
            _hardware.SetRing(RxRegisters(queue.Index), queue.Ring.Iova, queue.Ring.ByteLength, RxThresholds);
        }

        _hardware.PrepareReceive(configuration.Offloads, configuration.RssHash, configuration.RxQueues);
    }

    private void PublishBuffers()
    {
        foreach (IntelRxQueue<TRegisters, TRx> queue in RxRings)
            queue.Publish();
    }

    private void ReleasePackets()
    {
        foreach (IntelRxQueue<TRegisters, TRx> queue in RxRings)
            queue.Release();
        foreach (IntelTxQueue<TRegisters, E1000Tx> queue in TxRings)
            queue.Release();
    }
}
