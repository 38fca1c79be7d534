namespace Dataplane.Vdev.Tests.Kernel;

/// <summary>
/// Tests with ports on kernel interfaces run one after the other: they count the process's descriptors, and their hosts
/// and forwarders share few cores.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class KernelPortsCollection
{
    public const string Name = "ports on kernel interfaces";
}
