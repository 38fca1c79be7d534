using System.Text;
using Dataplane.Testing;

namespace Dataplane.Vm.Tests.Rig;

/// <summary>What the kernel finds before it finds the host's files: busybox, a script and a few modules.</summary>
internal static class Initramfs
{
    private const string Busybox = "/bin/busybox";

    // PCI's virtio, the file system over it, and what keeps changes apart.
    private static readonly string[] s_modules = ["virtio_pci", "9pnet_virtio", "9p", "overlay"];

    /// <summary>Writes it.</summary>
    public static void Write(string path, KernelModules modules)
    {
        using FileStream file = File.Create(path);
        var archive = new CpioArchive(file);
        foreach (string folder in (string[])["bin", "dev", "modules"])
            archive.AddDirectory(folder);
        archive.AddCharacterDevice("dev/console", 5, 1);
        archive.AddFile("init", File.ReadAllBytes(Repository.PathOf("tests/vm/init")));
        archive.AddFile("bin/busybox", File.ReadAllBytes(Busybox));
        string[] order = [.. modules.InLoadOrder(s_modules)];
        foreach (string module in order)
            archive.AddFile($"modules/{Path.GetFileName(module)}", File.ReadAllBytes(module));
        archive.AddFile("modules/order", Encoding.ASCII.GetBytes(string.Join('\n', order.Select(Path.GetFileNameWithoutExtension))));
        archive.Complete();
    }
}
