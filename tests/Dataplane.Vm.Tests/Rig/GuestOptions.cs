namespace Dataplane.Vm.Tests.Rig;

/// <summary>What a guest has.</summary>
internal sealed record GuestOptions
{
    /// <summary>Its NICs, in the order of their PCI addresses.</summary>
    public IReadOnlyList<NicModel> Nics { get; init; } = [];

    /// <summary>Further NICs, whose back ends share the guest's memory.</summary>
    public IReadOnlyList<VhostNic> VhostNics { get; init; } = [];

    /// <summary>Whether there is an IOMMU; without, vfio works only in its no-IOMMU mode, by modules built for that.</summary>
    public bool HasIommu { get; init; } = true;

    /// <summary>2 MiB pages.</summary>
    public int Hugepages { get; init; } = 128;

    /// <summary>Further words for QEMU's command line.</summary>
    public IReadOnlyList<string> QemuArguments { get; init; } = [];
}
