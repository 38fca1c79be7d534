using Dataplane.DeviceModels.Tests.Qtest;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests;

/// <summary>A NIC of QEMU and the driver of ours for it: what the suites are run with. See README.md beside this file.</summary>
public abstract class NicModel
{
    /// <summary>The QEMU that has it.</summary>
    public virtual QemuRelease Release => QemuRelease.System;

    /// <summary>QEMU's name of the device, and properties: <c>virtio-net-pci,packed=on</c>.</summary>
    public abstract string Device { get; }

    /// <summary>The address that the NIC is given.</summary>
    public virtual MacAddress MacAddress => new([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]);

    /// <summary>The address that the port has: the NIC's, or the VF's.</summary>
    public virtual MacAddress PortMacAddress => MacAddress;

    /// <summary>Whether frames wait on the wire while no queue of the port has a buffer; else the device drops them.</summary>
    public virtual bool WaitsForBuffers => true;

    /// <summary>What the hardware can do and the port says so, but QEMU's model cannot: no suite is run for it.</summary>
    public virtual PortOffloads NotModelled => PortOffloads.None;

    /// <summary>Whether a change of the link reaches the port by an interrupt.</summary>
    public virtual bool HasLinkInterrupt => true;

    /// <summary>Whether the port can be told to receive frames for any station.</summary>
    public virtual bool HasPromiscuous => true;

    /// <summary>Whether flows are spread over several rx queues; a VF may have queues that its PF leaves empty.</summary>
    public virtual bool SpreadsFlows => Capabilities.MaxRxQueues > 1;

    /// <summary>What <c>-a address,key=value</c> would have behind the address; null for nothing.</summary>
    public virtual string? Arguments => null;

    /// <summary>What of QEMU's arguments makes the other side of the NIC, by the id <c>wire</c>; null for a cable to us.</summary>
    public virtual IReadOnlyList<string>? Backend => null;

    /// <summary>VFs that the NIC is given.</summary>
    public virtual int VirtualFunctions => 0;

    /// <summary>What the port must say that it can do; the suites of these features are run as well then.</summary>
    public abstract PortCapabilities Capabilities { get; }

    /// <summary>The driver under test.</summary>
    internal abstract INicDriver Driver { get; }

    /// <summary>What has the NIC.</summary>
    /// <param name="memory">What the NIC may reach.</param>
    internal virtual INicMachine CreateMachine(DataplaneMemory memory) =>
        new QtestMachine(Release, Device, MacAddress.ToString(), VirtualFunctions, memory, Backend);

    /// <summary>The function that the driver gets: the NIC, or a VF of it.</summary>
    internal virtual INicFunction FunctionOf(INicMachine machine) => machine.Nic;

    /// <summary>Buffers that a received frame takes.</summary>
    /// <param name="length">Bytes of the frame.</param>
    /// <param name="room">Bytes that a buffer has behind its headroom.</param>
    public virtual int BuffersFor(int length, int room) => (length + room - 1) / room;

    /// <summary>What must be done before the driver is started, such as starting the PF's; disposed behind the port.</summary>
    internal virtual IDisposable? Prepare(NicTestBed bed) => null;
}
