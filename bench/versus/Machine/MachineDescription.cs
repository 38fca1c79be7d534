using System.Runtime.InteropServices;

namespace Versus.Machine;

/// <summary>What the figures were taken on.</summary>
/// <param name="Date">When, in UTC.</param>
/// <param name="Cpu">The processor and how many CPUs there are.</param>
/// <param name="Kernel">The kernel's release.</param>
/// <param name="System">The distribution.</param>
/// <param name="DotNet">The runtime's version.</param>
/// <param name="Dpdk">The version of Debian's package.</param>
/// <param name="Commit">What was measured; with a plus sign if files were changed.</param>
internal sealed record MachineDescription(
    DateTime Date, string Cpu, string Kernel, string System, string DotNet, string Dpdk, string Commit)
{
    /// <summary>Asks the machine that we run on.</summary>
    public static MachineDescription Read()
    {
        string model = ValueOf("/proc/cpuinfo", "model name", ':') ?? RuntimeInformation.ProcessArchitecture.ToString();
        Command.TryRun("git rev-parse --short HEAD", out string commit);
        Command.TryRun("git status --porcelain --untracked-files=no", out string changes);
        return new MachineDescription(
            DateTime.UtcNow,
            $"{model}, {Environment.ProcessorCount} CPUs",
            Command.Run("uname -r"),
            ValueOf("/etc/os-release", "PRETTY_NAME", '=')?.Trim('"') ?? RuntimeInformation.OSDescription,
            Environment.Version.ToString(),
            DebianPackages.VersionOf("dpdk"),
            changes.Length == 0 ? commit : commit + "+");
    }

    private static string? ValueOf(string file, string key, char separator) => File.ReadLines(file)
        .Select(line => line.Split(separator, 2, StringSplitOptions.TrimEntries))
        .FirstOrDefault(pair => pair[0] == key && pair.Length == 2)?[1];
}
