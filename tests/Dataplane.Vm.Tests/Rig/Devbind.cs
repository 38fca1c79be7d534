namespace Dataplane.Vm.Tests.Rig;

/// <summary>Our companion command, in a guest.</summary>
internal static class Devbind
{
    /// <summary>A command line of it.</summary>
    public static string Command(string arguments) => $"{GuestTools.Dataplane} devbind {arguments}";

    /// <summary>Gives devices to vfio-pci.</summary>
    public static void BindToVfio(Guest guest, params IEnumerable<string> addresses)
    {
        guest.LoadModule("vfio-pci");
        guest.LoadModule("vfio_iommu_type1");
        guest.Run(Command($"--bind vfio-pci {string.Join(' ', addresses)}"));
    }
}
