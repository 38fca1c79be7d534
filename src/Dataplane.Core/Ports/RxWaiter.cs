using Dataplane.Linux;

namespace Dataplane.Ports;

/// <summary>
/// Lets a lcore sleep until packets arrive on any of its rx queues. Belongs to that lcore; waiting allocates nothing.
/// </summary>
/// <remarks>
/// Poll as usual; after some rounds without packets, wait. The first packet then costs an interrupt and a wake-up, some
/// microseconds; an idle lcore costs no CPU time.
/// </remarks>
public sealed unsafe class RxWaiter
{
    private readonly RxQueue[] _queues;
    private readonly PollDescriptor[] _entries;

    /// <param name="queues">Queues of ports that were configured with <see cref="PortConfiguration.RxInterrupts"/>.</param>
    /// <exception cref="ArgumentException">A queue has no interrupt.</exception>
    public RxWaiter(IEnumerable<RxQueue> queues)
    {
        _queues = [.. queues];
        _entries = [.. _queues.Select(queue => new PollDescriptor { Fd = HandleOf(queue), Events = Libc.POLLIN })];
    }

    /// <summary>Sleeps until packets may have arrived or the time is over.</summary>
    /// <param name="timeout">Bounds the wait; also how late a request to stop may be noticed.</param>
    /// <returns>Whether it is worth polling; false: the time is over.</returns>
    public bool Wait(TimeSpan timeout)
    {
        bool arrived = false;
        int armed = 0;
        while (armed < _queues.Length && !arrived)
            arrived = !_queues[armed++].TryArmInterrupt();
        bool isThere = arrived;
        if (!isThere)
            arrived = Sleep(timeout);
        for (int i = 0; i < armed; i++)
            _queues[i].DisarmInterrupt();
        // What was there when it was armed may have been signalled too, which must not end the next wait.
        if (isThere)
            Drain();
        return arrived;
    }

    private bool Sleep(TimeSpan timeout)
    {
        int ready;
        fixed (PollDescriptor* entries = _entries)
            ready = Libc.Poll(entries, (nuint)_entries.Length, (int)timeout.TotalMilliseconds);
        if (ready <= 0)
            return false;
        Drain();
        return true;
    }

    private void Drain()
    {
        foreach (RxQueue queue in _queues)
            _ = queue.Interrupt?.TryDrain();
    }

    private static int HandleOf(RxQueue queue) =>
        queue.InterruptDescriptor is >= 0 and int descriptor
            ? descriptor
            : throw new ArgumentException($"Rx queue {queue.Index} has no interrupt: configure its port with RxInterrupts", nameof(queue));
}
