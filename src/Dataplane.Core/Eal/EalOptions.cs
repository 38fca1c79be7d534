using Dataplane.Lcores;
using Dataplane.Memory;

namespace Dataplane.Eal;

/// <summary>Everything that a dataplane is started with; what stands before <c>--</c> on DPDK's command line.</summary>
public sealed record EalOptions
{
    /// <summary>Memory: hugepages, prefix, IOVA mode.</summary>
    public MemoryOptions Memory { get; init; } = new();

    /// <summary>Lcores and their CPUs.</summary>
    public LcoreOptions Lcores { get; init; } = new();

    /// <summary>Software ports to make, in order, each <c>name,key=value,...</c> (<c>--vdev</c>).</summary>
    public IReadOnlyList<string> Vdevs { get; init; } = [];

    /// <summary>PCI devices to use, each <c>address[,key=value...]</c> (<c>-a</c>).</summary>
    public IReadOnlyList<string> AllowedDevices { get; init; } = [];

    /// <summary>PCI devices to leave alone (<c>-b</c>).</summary>
    public IReadOnlyList<string> BlockedDevices { get; init; } = [];

    /// <summary>Whether PCI devices that nobody named are used, too (<c>--auto-probing</c>, <c>-A</c>).</summary>
    public bool AutoProbing { get; init; } = true;

    /// <summary>No PCI bus (<c>--no-pci</c>).</summary>
    public bool NoPci { get; init; }

    /// <summary>No files at all but hugepages (<c>--no-shconf</c>, and with <c>--in-memory</c>).</summary>
    public bool NoSharedConfiguration { get; init; }

    /// <summary>Whether the telemetry socket is served (<c>--telemetry</c>, <c>--no-telemetry</c>).</summary>
    public bool Telemetry { get; init; } = true;

    /// <summary>How VFIO devices interrupt: legacy, msi, msix (<c>--vfio-intr</c>); null: the best they have.</summary>
    public string? VfioInterrupt { get; init; }

    /// <summary>Token shared by a PF and its VFs (<c>--vfio-vf-token</c>).</summary>
    public Guid? VfioVfToken { get; init; }

    /// <summary>What is logged, the last that matches a category counts (<c>--log-level</c>).</summary>
    public IReadOnlyList<LogLevelRule> LogLevels { get; init; } = [];
}
