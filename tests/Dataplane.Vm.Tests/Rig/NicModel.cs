namespace Dataplane.Vm.Tests.Rig;

/// <summary>A NIC that QEMU can put into a guest.</summary>
/// <param name="Device">QEMU's name of the device, with its properties.</param>
internal sealed record NicModel(string Device)
{
    // DMA goes through the IOMMU only as of virtio 1.0 and with VIRTIO_F_ACCESS_PLATFORM.
    private const string Virtio = "virtio-net-pci,disable-legacy=on,iommu_platform=on,ats=on";

    /// <summary>Intel 82574L.</summary>
    public static NicModel E1000e { get; } = new("e1000e");

    /// <summary>Intel 82576 with seven VFs.</summary>
    public static NicModel Igb { get; } = new("igb") { NeedsNewQemu = true };

    /// <summary>virtio-net with split rings.</summary>
    public static NicModel VirtioSplit { get; } = new(Virtio);

    /// <summary>virtio-net with packed rings.</summary>
    public static NicModel VirtioPacked { get; } = new(Virtio + ",packed=on");

    /// <summary>A NIC that no driver of ours knows.</summary>
    public static NicModel Vmxnet3 { get; } = new("vmxnet3");

    /// <summary>Intel 82540EM, on a bridge that keeps nothing apart: all NICs there are one IOMMU group.</summary>
    public static NicModel BridgedE1000 { get; } = new("e1000") { IsBridged = true };

    /// <summary>The models by the names that tests/vm/run takes.</summary>
    public static IReadOnlyDictionary<string, NicModel> ByName { get; } = new Dictionary<string, NicModel>(StringComparer.Ordinal)
    {
        ["e1000"] = BridgedE1000,
        ["e1000e"] = E1000e,
        ["igb"] = Igb,
        ["virtio"] = VirtioSplit,
        ["virtio-packed"] = VirtioPacked,
        ["vmxnet3"] = Vmxnet3,
    };

    /// <summary>Whether it shares a conventional bus with others; else it has a root port of its own.</summary>
    public bool IsBridged { get; private init; }

    /// <summary>Whether Debian 12's QEMU does not have it.</summary>
    public bool NeedsNewQemu { get; private init; }

    /// <summary>Whether it caches what the IOMMU says, which the IOMMU must allow.</summary>
    public bool HasAddressTranslationService => Device.Contains("ats=on", StringComparison.Ordinal);
}
