using Dataplane.Testing;
using Dataplane.Testing.Qemu;

namespace Dataplane.Vm.Tests.Rig;

/// <summary>A guest as QEMU's command line describes it.</summary>
internal sealed class GuestMachine(GuestOptions options, IReadOnlyList<GuestNic> nics, TemporaryFolder shared, string name)
{
    // Nothing that costs time under emulation, such as mitigations.
    private const string KernelArguments =
        "console=ttyS0 quiet panic=-1 rdinit=/init random.trust_cpu=on nokaslr mitigations=off audit=0 init_on_alloc=0";

    private const string Memory = "2048M";
    private static readonly string[] s_sharedMemory =
        ["-object", $"memory-backend-memfd,id=memory,size={Memory},share=on", "-machine", "memory-backend=memory"];

    /// <summary>Which QEMU it needs: 7.2 crashes when an emulated processor starts a vhost-user device.</summary>
    public QemuInstallation Qemu => QemuInstallation.Find(
        nics.Any(nic => nic.Model.NeedsNewQemu) || options.VhostNics.Count != 0 ? QemuRelease.WithIgb : QemuRelease.System);

    /// <summary>The second serial port: the agent.</summary>
    public string ControlSocket => $"{name}-control";

    /// <summary>QEMU's monitor.</summary>
    public string MonitorSocket => $"{name}-monitor";

    /// <summary>QEMU's command line.</summary>
    public IEnumerable<string> Arguments =>
    [
        "-M", "q35,accel=tcg,kernel-irqchip=split", "-cpu", "max,la57=off", "-smp", "2", "-m", Memory,
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        .. Iommu,
        .. options.VhostNics.Count == 0 ? [] : s_sharedMemory,
        "-kernel", KernelImage.Unpack(GuestTools.KernelImage), "-initrd", shared["initramfs"],
        "-append", $"{KernelArguments} hugepages={options.Hugepages} RIG={shared.FullName}{(options.HasIommu ? " intel_iommu=on" : "")}",
        "-serial", $"file:{shared["console"]}",
        "-chardev", $"socket,id=control,path={ControlSocket},abstract=on,server=on,wait=off", "-serial", "chardev:control",
        "-chardev", $"socket,id=monitor,path={MonitorSocket},abstract=on,server=on,wait=off", "-mon", "monitor,mode=control",
        .. Folder("root", "/", ",readonly=on"),
        .. Folder("rig", shared.FullName, ""),
        .. nics.Any(nic => nic.Model.IsBridged) ? GuestNic.BridgeArguments : [],
        .. nics.SelectMany(nic => nic.QemuArguments()),
        .. options.VhostNics.SelectMany(nic => nic.QemuArguments()),
        .. options.QemuArguments,
    ];

    private IEnumerable<string> Iommu
    {
        get
        {
            if (!options.HasIommu)
                return [];
            string tlb = nics.Any(nic => nic.Model.HasAddressTranslationService) ? ",device-iotlb=on" : "";
            return ["-device", $"intel-iommu,intremap=on,caching-mode=on{tlb}"];
        }
    }

    private static IEnumerable<string> Folder(string tag, string path, string property) =>
    [
        "-fsdev", $"local,id={tag},path={path},security_model=none,multidevs=remap{property}",
        "-device", $"virtio-9p-pci,fsdev={tag},mount_tag={tag}",
    ];
}
