using System.Globalization;
using Dataplane.Testing;

namespace Dataplane.Cli.Tests.Hugepages;

/// <summary>
/// The built command on this machine, in a mount namespace of its own. Other tests may have pages meanwhile: they stay, and
/// the numbers are changed while they are locked.
/// </summary>
public class RealHugepagesTests
{
    private static readonly string s_command = Path.Join(AppContext.BaseDirectory, "dataplane");

    [Fact]
    public void Pages_are_set_aside_and_mounted_and_given_back()
    {
        const string Pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
        using var folder = new TemporaryFolder();
        HugepageReservation.Exclusively(() =>
        {
            int before = int.Parse(File.ReadAllText(Pool), CultureInfo.InvariantCulture);
            try
            {
                // Eight pages more than there are.
                int wanted = before + 8;
                string output = Shell.Run(
                    "unshare", "--mount", "sh", "-ec",
                    $"{s_command} hugepages --setup {wanted * 2}M --page-size 2M --mount {folder["huge"]}\n"
                    + $"touch {folder["huge"]}/file\n"
                    + $"{s_command} hugepages --show\n"
                    + $"stat --file-system --format %T {folder["huge"]}");

                Assert.Contains($"{wanted} hugepages of 2 MiB ({wanted * 2} MiB) are set aside, ", output);
                Assert.Contains($"A hugetlbfs of 2 MiB pages is mounted on {folder["huge"]} now\n", output);
                Assert.Matches($@"Hugepages mounted on .*{folder["huge"]} \(2M\)", output);
                Assert.EndsWith("hugetlbfs\n", output);
                Assert.Equal(wanted, int.Parse(File.ReadAllText(Pool), CultureInfo.InvariantCulture));
            }
            finally
            {
                File.WriteAllText(Pool, before.ToString(CultureInfo.InvariantCulture));
            }
        });
    }

    [SkippableFact]
    public void Clearing_unmounts_and_frees()
    {
        const string Pool = "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages";
        using var folder = new TemporaryFolder();
        HugepageReservation.Exclusively(() =>
        {
            // Of 1 GiB, since other tests take those seldom: clearing takes everybody's.
            Skip.IfNot(File.Exists(Pool), "the machine has no 1 GiB pages");
            Skip.If(File.ReadAllText(Pool).Trim() != "0", "somebody else has 1 GiB pages");
            try
            {
                ShellResult result = Shell.TryRun(
                    "unshare", "--mount", "sh", "-ec",
                    $"{s_command} hugepages --setup 1G --page-size 1G --mount {folder["huge"]}\n{s_command} hugepages --clear --page-size 1G");
                Skip.If(result.Error.Contains("Only 0 of 1 hugepages of 1 GiB", StringComparison.Ordinal), "the machine has no free GiB in one piece");

                Assert.Equal(0, result.ExitCode);
                Assert.EndsWith($"{folder["huge"]} is unmounted\n1 hugepages of 1 GiB are freed\n", result.Output);
                Assert.Equal("0", File.ReadAllText(Pool).Trim());
            }
            finally
            {
                File.WriteAllText(Pool, "0");
            }
        });
    }

    [Fact]
    public void A_read_only_sys_is_named_with_what_mends_it()
    {
        using var folder = new TemporaryFolder();

        ShellResult result = Shell.TryRun(
            "unshare", "--mount", "sh", "-c",
            $"mount -o remount,bind,ro /sys && {s_command} hugepages --setup 2M --page-size 2M --mount {folder["huge"]}");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal(
            "dataplane: Cannot set aside hugepages: Read-only file system\n  Remedy: /sys is mounted read-only, "
            + "as in most containers: run it on the host, or in a privileged container\n",
            result.Error);
    }
}
