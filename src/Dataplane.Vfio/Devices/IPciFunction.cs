using Dataplane.Linux;

namespace Dataplane.Vfio.Devices;

/// <summary>
/// A PCI function that a driver owns: over VFIO, or a device model in tests. Whoever opened it disposes it, behind the port:
/// a port that is closed has stopped its device. All members belong to the control plane.
/// </summary>
/// <typeparam name="TRegisters">How registers are reached.</typeparam>
internal interface IPciFunction<TRegisters>
    where TRegisters : struct, IRegisterSpace
{
    /// <summary>Its address, as messages name it: <c>0000:01:00.0</c>.</summary>
    string Name { get; }

    /// <summary>What it is.</summary>
    PciId Id { get; }

    /// <summary>Its configuration space.</summary>
    IPciConfiguration Configuration { get; }

    /// <summary>
    /// Interrupts that can be told apart: 0 if none reaches us, 1 by INTx or MSI, more by MSI-X. As
    /// <c>--vfio-intr</c> says, else the best that the device has.
    /// </summary>
    int InterruptVectors { get; }

    /// <summary>Maps a memory BAR; again the same if it was opened before.</summary>
    /// <param name="bar">0 to 5; the lower number of a 64-bit BAR.</param>
    /// <exception cref="DataplaneException">There is no such BAR, or it cannot be mapped.</exception>
    TRegisters OpenBar(int bar);

    /// <summary>Bytes of a BAR; 0 if there is none.</summary>
    long BarLength(int bar);

    /// <summary>Allows or forbids the device to read and write memory.</summary>
    void SetBusMaster(bool enabled);

    /// <summary>Function-level reset, if the function has one; configuration space and interrupts are as they were behind it.</summary>
    /// <returns>False if it cannot be reset from outside: the driver's own reset must do.</returns>
    bool TryReset();

    /// <summary>Lets the device interrupt.</summary>
    /// <param name="onEvent">
    /// Vector 0, for everything but rx: called on a control thread for every interrupt. With INTx it must take the cause away
    /// at the device (read the cause register); the line is unmasked behind it.
    /// </param>
    /// <param name="rxQueues">
    /// Signalled by vectors 1, 2, ...; owned by the caller, who disables interrupts before disposing them. No more than
    /// <see cref="InterruptVectors"/> - 1.
    /// </param>
    /// <exception cref="DataplaneException">The system refused.</exception>
    void EnableInterrupts(Action onEvent, IReadOnlyList<EventFd> rxQueues);

    /// <summary>
    /// Ends interrupts; behind it <c>onEvent</c> neither runs nor starts, unless this is called from it. Nothing to do if they are not enabled.
    /// </summary>
    void DisableInterrupts();
}
