using Dataplane.Ports;

namespace Dataplane.Vfio.Devices;

/// <summary>A driver of PCI NICs. It holds nothing; its ports do.</summary>
internal interface INicDriver
{
    /// <summary>DPDK's name of the driver: <c>net_ixgbe</c>.</summary>
    string Name { get; }

    /// <summary>The devices that it knows.</summary>
    IReadOnlyList<SupportedDevice> Devices { get; }

    /// <summary>The keys that <c>-a address,key=value</c> may have; any other is refused before <see cref="Create"/> is called.</summary>
    IReadOnlyList<DevargKey> Keys { get; }

    /// <summary>
    /// Makes the port of a function: resets the device and reads its address; frames flow from the port's start on.
    /// What is half made is given back before it throws.
    /// </summary>
    /// <param name="context">Its memory is mapped for the device already.</param>
    /// <param name="function">Outlives the port.</param>
    /// <param name="arguments">Of <c>-a</c>, keys checked; the name alone if there were none.</param>
    /// <exception cref="DataplaneException">The device does not answer as it should, or an argument is wrong.</exception>
    Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace;
}
