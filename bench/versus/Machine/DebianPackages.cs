namespace Versus.Machine;

/// <summary>Installs what the comparison needs from Debian, and nothing that is there already.</summary>
internal static class DebianPackages
{
    /// <summary>dpdk-testpmd, and what lays out namespaces and pins processes.</summary>
    public static readonly IReadOnlyList<string> ForTestPmd = ["dpdk", "iproute2", "util-linux", "coreutils"];

    /// <summary>Headers, compiler, and the package that the source of DPDK's l2fwd is in.</summary>
    public static readonly IReadOnlyList<string> ForDpdkL2Fwd = ["dpdk-doc", "libdpdk-dev", "gcc", "libc6-dev", "pkgconf"];

    /// <summary>Installs those of the packages that are missing.</summary>
    public static void Install(IEnumerable<string> packages)
    {
        string missing = string.Join(' ', packages.Where(package => !IsInstalled(package)));
        if (missing.Length == 0)
            return;
        Console.WriteLine($"Installing {missing}");
        Command.Run("apt-get -qq update");
        Command.Run($"env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends {missing}");
    }

    /// <summary>The installed version of a package.</summary>
    public static string VersionOf(string package) => Command.Run($"dpkg-query -W -f=${{Version}} {package}");

    private static bool IsInstalled(string package) =>
        Command.TryRun($"dpkg-query -W -f=${{db:Status-Status}} {package}", out string status) && status == "installed";
}
