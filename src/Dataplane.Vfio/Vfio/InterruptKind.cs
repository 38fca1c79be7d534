using Dataplane.Linux;

namespace Dataplane.Vfio.Vfio;

/// <summary>A way in which a device interrupts.</summary>
/// <param name="Name">As <c>--vfio-intr</c> names it.</param>
/// <param name="Index">As VFIO numbers it.</param>
/// <param name="Vectors">How many interrupts can be told apart.</param>
internal sealed record InterruptKind(string Name, uint Index, int Vectors)
{
    /// <summary>Whether the kernel masks the line with each interrupt, and waits to be told to unmask it.</summary>
    public bool IsMaskedBySignal => Index == VfioNumbers.VFIO_PCI_INTX_IRQ_INDEX;

    /// <summary>Chooses what the user wants, else the best that the device has.</summary>
    /// <param name="device">The device's address.</param>
    /// <param name="count">Interrupts that the device has of a kind.</param>
    /// <param name="wanted">The argument of <c>--vfio-intr</c>; null for the best.</param>
    /// <returns>Null if the device does not interrupt.</returns>
    /// <exception cref="DataplaneException">It does not have what is wanted.</exception>
    public static InterruptKind? Choose(string device, Func<uint, int> count, string? wanted)
    {
        InterruptKind[] kinds =
        [
            .. new[] { ("msix", VfioNumbers.VFIO_PCI_MSIX_IRQ_INDEX), ("msi", VfioNumbers.VFIO_PCI_MSI_IRQ_INDEX), ("legacy", VfioNumbers.VFIO_PCI_INTX_IRQ_INDEX) }
                .Select(kind => new InterruptKind(kind.Item1, kind.Item2, count(kind.Item2)))
                .Where(kind => kind.Vectors > 0)
                // Vectors of MSI are not told apart by drivers: one is what every device has.
                .Select(kind => kind.Index == VfioNumbers.VFIO_PCI_MSIX_IRQ_INDEX ? kind : kind with { Vectors = 1 }),
        ];
        if (wanted is null)
            return kinds.FirstOrDefault();
        return Array.Find(kinds, kind => kind.Name == wanted) ?? throw new DataplaneException(
            $"{device} cannot interrupt as --vfio-intr={wanted} says",
            kinds.Length == 0 ? "it does not interrupt at all: leave the option out" : $"it can by {string.Join(", ", kinds.Select(kind => kind.Name))}");
    }
}
