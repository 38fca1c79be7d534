using Dataplane.Linux;
using Dataplane.Ports;

namespace Dataplane.Virtio;

/// <summary>Makes queues of the layout that was negotiated.</summary>
internal static class VirtioQueues
{
    /// <summary>Makes a receive queue; disposed by the caller.</summary>
    /// <param name="context">Of the port.</param>
    /// <param name="portId">Of the port.</param>
    /// <param name="options">Of the ring.</param>
    /// <param name="notifier">Of the device.</param>
    /// <param name="interrupt">What the device signals; null without interrupts.</param>
    public static VirtioRxQueue CreateRx<TNotifier>(
        RxQueueContext context, int portId, VirtqueueOptions options, TNotifier notifier, EventFd? interrupt)
        where TNotifier : struct, IVirtqueueNotifier => IsPacked(options)
            ? new VirtioRxQueue<PackedDriverRing, TNotifier>(context, portId, options, notifier, interrupt)
            : new VirtioRxQueue<SplitDriverRing, TNotifier>(context, portId, options, notifier, interrupt);

    /// <summary>Makes a transmit queue; disposed by the caller.</summary>
    public static VirtioTxQueue CreateTx<TNotifier>(TxQueueContext context, VirtqueueOptions options, TNotifier notifier)
        where TNotifier : struct, IVirtqueueNotifier => IsPacked(options)
            ? new VirtioTxQueue<PackedDriverRing, TNotifier>(context, options, notifier)
            : new VirtioTxQueue<SplitDriverRing, TNotifier>(context, options, notifier);

    /// <summary>Makes a control queue; disposed by the caller.</summary>
    public static VirtioControlQueue CreateControl<TNotifier>(VirtqueueOptions options, TNotifier notifier, string deviceName)
        where TNotifier : struct, IVirtqueueNotifier => IsPacked(options)
            ? new VirtioControlQueue<PackedDriverRing, TNotifier>(options, notifier, deviceName)
            : new VirtioControlQueue<SplitDriverRing, TNotifier>(options, notifier, deviceName);

    private static bool IsPacked(VirtqueueOptions options) => (options.Features & VirtioFeatures.RingPacked) != 0;
}
