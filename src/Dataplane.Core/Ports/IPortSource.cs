namespace Dataplane.Ports;

/// <summary>What a runtime can make ports with: a driver of software ports (<see cref="IVdevDriver"/>) or a bus (<see cref="IBus"/>).</summary>
public interface IPortSource
{
    /// <summary>DPDK's name: <c>net_null</c>, <c>pci</c>.</summary>
    string Name { get; }
}
