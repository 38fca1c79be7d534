using Dataplane.Ports;

namespace Dataplane.Vfio.Pci;

/// <summary>Who wants a device to be a port.</summary>
internal enum DeviceChoice
{
    /// <summary>The user, with <c>-a</c>: it must work.</summary>
    Named,

    /// <summary>The SR-IOV device plugin, for the pod: it is ours if it is bound to VFIO; others are for the kernel's interfaces.</summary>
    Offered,

    /// <summary>Nobody; it is there: it is ours if it is bound to VFIO and a driver knows it.</summary>
    Found,
}

/// <summary>A network controller that may become a port.</summary>
/// <param name="Device">The device.</param>
/// <param name="Arguments">Its devargs; the address alone if there were none.</param>
/// <param name="Choice">Who wants it.</param>
internal sealed record SelectedDevice(PciDevice Device, Devargs Arguments, DeviceChoice Choice);
