using System.Runtime.CompilerServices;
using Dataplane.Vfio.Devices;
using Dataplane.Virtio;

namespace Dataplane.Vfio.Nics.Virtio;

/// <summary>The doorbell of a queue (virtio 1.2, section 4.1.5.2): one register write.</summary>
/// <param name="registers">The BAR that it is in.</param>
/// <param name="offset">Where in it.</param>
/// <param name="queue">Number of the queue.</param>
/// <param name="withPosition">Whether VIRTIO_F_NOTIFICATION_DATA was negotiated.</param>
internal readonly struct PciNotifier<TRegisters>(TRegisters registers, int offset, ushort queue, bool withPosition)
    : IVirtqueueNotifier
    where TRegisters : struct, IRegisterSpace
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Notify(ushort position)
    {
        if (withPosition)
            registers.Write32(offset, queue | ((uint)position << 16));
        else
            registers.Write16(offset, queue);
    }
}
