
namespace Dataplane.Testing.Qemu;

/// <summary>Which QEMU a device model is taken from.</summary>
public enum QemuRelease
{
    /// <summary>The distribution's (7.2 on Debian 12).</summary>
    System,

    /// <summary>One with igb and its VFs: what <c>scripts/install-tools qemu</c> unpacked, else the distribution's.</summary>
    WithIgb,
}

/// <summary>How a QEMU is started.</summary>
/// <param name="Program">Its path, or its name in PATH.</param>
/// <param name="Arguments">Where its firmware is, if not where it was built for.</param>
/// <param name="ModuleFolder">Where its loadable parts are; null: where it was built for.</param>
public sealed record QemuInstallation(string Program, IReadOnlyList<string> Arguments, string? ModuleFolder)
{
    private const string Name = "qemu-system-x86_64";

    /// <summary>Finds a release.</summary>
    /// <exception cref="InvalidOperationException">It is not installed.</exception>
    public static QemuInstallation Find(QemuRelease release)
    {
        string folder = Repository.PathOf("artifacts/tools/qemu/usr");
        string unpacked = Path.Combine(folder, "bin", Name);
        if (release == QemuRelease.WithIgb && File.Exists(unpacked))
        {
            return new QemuInstallation(
                unpacked,
                ["-L", Path.Combine(folder, "share/qemu"), "-L", Path.Combine(folder, "share/seabios")],
                Path.Combine(Directory.GetDirectories(Path.Combine(folder, "lib"), "*-linux-gnu").Single(), "qemu"));
        }

        bool installed = Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(path => File.Exists(Path.Combine(path, Name)));
        return installed
            ? new QemuInstallation(Name, [], ModuleFolder: null)
            : throw new InvalidOperationException($"{Name} is not installed: run scripts/install-tools test");
    }
}
