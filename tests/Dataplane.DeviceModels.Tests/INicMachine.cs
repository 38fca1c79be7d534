using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests;

/// <summary>Something that has a NIC and its cable: a QEMU, or a model within this process.</summary>
internal interface INicMachine : IDisposable
{
    /// <summary>The NIC.</summary>
    INicFunction Nic { get; }

    /// <summary>Its VFs.</summary>
    IReadOnlyList<INicFunction> VirtualFunctions { get; }

    /// <summary>The far end of the cable.</summary>
    IWire Wire { get; }

    /// <summary>What the device complained about; empty for nothing.</summary>
    string Complaints { get; }

    /// <summary>Plugs the cable in or out.</summary>
    void SetLink(bool up);

    /// <summary>Pulls the NIC out of its slot; from now on its registers read all ones.</summary>
    void PullOut();

    /// <summary>The device wrote nowhere but into dataplane memory, or the test fails.</summary>
    void AssertNoStrayDma();
}

/// <summary>A function of a NIC, whose kind of registers only it knows.</summary>
internal interface INicFunction
{
    /// <summary>Its address.</summary>
    string Name { get; }

    /// <summary>What it is.</summary>
    PciId Id { get; }

    /// <summary>Whether the device may reach memory.</summary>
    bool IsBusMaster { get; }

    /// <summary>Has a driver make the port.</summary>
    Port CreatePort(INicDriver driver, PortContext context, Devargs arguments);

    /// <summary>Does what the kernel does when the process dies that drives it: no interrupt and no DMA any more.</summary>
    void Abandon();
}
