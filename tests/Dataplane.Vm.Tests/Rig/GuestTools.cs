using Dataplane.Testing;

namespace Dataplane.Vm.Tests.Rig;

/// <summary>What tests/vm/fetch and scripts/publish have made.</summary>
internal static class GuestTools
{
    /// <summary>The program under test, as a pod has it.</summary>
    public static string L2Fwd { get; } = Repository.PathOf("artifacts/l2fwd/l2fwd");

    /// <summary>Its companion.</summary>
    public static string Dataplane { get; } = Repository.PathOf("artifacts/dataplane/dataplane");

    /// <summary>The kernel, packed.</summary>
    public static string KernelImage => Find("kernel/boot", "vmlinuz-*");

    /// <summary>Modules of the kernel.</summary>
    public static string Modules => Find("kernel/lib", "modules");

    /// <summary>The kernel's vfio modules with support for machines without an IOMMU.</summary>
    public static string NoIommuModules => Find("", "noiommu");

    private static string Find(string folder, string pattern)
    {
        string parent = Repository.PathOf($"artifacts/tools/vm/{folder}");
        return (Directory.Exists(parent) ? Directory.EnumerateFileSystemEntries(parent, pattern) : []).SingleOrDefault()
            ?? throw new InvalidOperationException($"{parent}/{pattern} is missing; tests/vm/fetch makes it");
    }
}
