using Dataplane.Linux;
using Dataplane.Ports;

namespace Dataplane.Virtio;

/// <summary>Makes queues of the layout that was negotiated.</summary>
internal static class VirtioQueues
{
    /// <summary>A device under load in an emulator answers within milliseconds; this is for one that does not at all.</summary>
    private static readonly TimeSpan CommandAtMost = TimeSpan.FromSeconds(5);

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
    /// <param name="options">Of the ring.</param>
    /// <param name="notifier">Of the device.</param>
    /// <param name="deviceName">For messages.</param>
    /// <param name="atMost">How long a command may take; 5 s by default.</param>
    public static VirtioControlQueue CreateControl<TNotifier>(
        VirtqueueOptions options, TNotifier notifier, string deviceName, TimeSpan? atMost = null)
        where TNotifier : struct, IVirtqueueNotifier => IsPacked(options)
            ? new VirtioControlQueue<PackedDriverRing, TNotifier>(options, notifier, deviceName, atMost ?? CommandAtMost)
            : new VirtioControlQueue<SplitDriverRing, TNotifier>(options, notifier, deviceName, atMost ?? CommandAtMost);

    private static bool IsPacked(VirtqueueOptions options) => (options.Features & VirtioFeatures.RingPacked) != 0;
}
