using Dataplane.Linux;

namespace Dataplane.Vfio.Vfio;

/// <summary>A device as far as it interrupts; tests have others than VFIO's.</summary>
internal interface IInterruptSource
{
    /// <summary>The device's address.</summary>
    string Name { get; }

    /// <summary>How many interrupts of a kind can signal an eventfd.</summary>
    int InterruptCount(uint index);

    /// <summary>Lets interrupts signal eventfds, a vector each, from 0 on.</summary>
    /// <returns>False if the kernel refuses; it says why in <see cref="Errno.Last"/>.</returns>
    bool TrySignal(uint index, IReadOnlyList<EventFd> vectors);

    /// <summary>Ends interrupts of a kind.</summary>
    void EndSignals(uint index);

    /// <summary>Lets an interrupt line that was masked when it signalled signal again.</summary>
    void Unmask(uint index);
}
