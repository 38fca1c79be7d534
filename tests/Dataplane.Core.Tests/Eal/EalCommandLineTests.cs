using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Testing;

namespace Dataplane.Core.Tests.Eal;

public class EalCommandLineTests
{
    private static EalCommand Parse(params string[] arguments) => EalCommandLine.Parse(arguments);

    private static EalOptions Options(params string[] arguments) => Parse(arguments).Options;

    private static string Error(params string[] arguments) =>
        Assert.Throws<CommandLineException>(() => EalCommandLine.Parse(arguments)).Message;

    private static string Lcores(EalOptions options) =>
        string.Join(' ', options.Lcores.Assignments!.Select(lcore => $"{lcore.LcoreId}@{lcore.Cpus}"));

    [Fact]
    public void No_arguments_are_the_defaults()
    {
        EalCommand command = Parse();

        Assert.Null(command.Options.Lcores.Assignments);
        Assert.Equal(new MemoryOptions(), command.Options.Memory);
        Assert.True(command.Options.Telemetry);
        Assert.Empty(command.Options.Vdevs);
        Assert.Empty(command.ApplicationArguments);
        Assert.Empty(command.Notices);
    }

    [Theory]
    [InlineData("-l", "0-3")]
    [InlineData("-l0-3")]
    [InlineData("-l=0-3")]
    [InlineData("--lcores", "0-3")]
    [InlineData("--lcores=0-3")]
    [InlineData("-c", "f")]
    [InlineData("-c0xF")]
    [InlineData("--coremask", "0000000000000000000000000000000000f")]
    public void Every_spelling_of_an_option_means_the_same(params string[] arguments) =>
        Assert.Equal("0@0 1@1 2@2 3@3", Lcores(Options(arguments)));

    [Fact]
    public void What_follows_the_dashes_is_the_programs_even_if_it_looks_like_ours()
    {
        EalCommand command = Parse("-l", "0", "--", "-p", "3", "--no-huge", "--", "x");

        Assert.Equal(["-p", "3", "--no-huge", "--", "x"], command.ApplicationArguments);
        Assert.False(command.Options.Memory.NoHuge);
    }

    [Fact]
    public void Stray_words_are_passed_on_in_front_with_a_notice()
    {
        EalCommand command = Parse("-l", "0", "extra", "--no-pci", "--", "-p", "3");

        Assert.Equal(["extra", "-p", "3"], command.ApplicationArguments);
        Assert.True(command.Options.NoPci);
        Assert.Equal(["'extra' is no option; it is passed on to the program"], command.Notices);
    }

    [Fact]
    public void Memory_options_are_read()
    {
        MemoryOptions memory = Options(
            "--socket-mem=1024,0", "--socket-limit", "2048,2048", "--huge-dir", "/mnt/huge", "--file-prefix=l2",
            "--huge-unlink", "--base-virtaddr=0x100000001", "--iova-mode=pa").Memory;

        Assert.Equal([1024, 0], memory.MegabytesPerNode);
        Assert.Equal([2048, 2048], memory.LimitPerNode);
        Assert.Equal("/mnt/huge", memory.HugeDirectory);
        Assert.Equal("l2", memory.FilePrefix);
        Assert.Equal(HugeUnlink.Always, memory.HugeUnlink);
        Assert.Equal(0x101000000UL, memory.BaseVirtualAddress);
        Assert.Equal(IovaMode.Pa, memory.IovaMode);
        Assert.Equal(64, Options("-m64").Memory.Megabytes);
        Assert.Equal(64, Options("--memory-size", "64").Memory.Megabytes);
        Assert.Null(Options("-m", "0").Memory.Megabytes);
        Assert.Equal([5], Options("--numa-mem", "5").Memory.MegabytesPerNode);
        Assert.Equal([5], Options("--numa-limit", "5").Memory.LimitPerNode);
        Assert.Equal(IovaMode.Va, Options("--iova-mode", "va").Memory.IovaMode);
        Assert.True(Options("--no-huge").Memory.NoHuge);
        Assert.True(Options("--single-file-segments").Memory.SingleFileSegments);
    }

    [Theory]
    [InlineData("--huge-unlink=existing", HugeUnlink.Existing)]
    [InlineData("--huge-unlink=always", HugeUnlink.Always)]
    [InlineData("--huge-unlink=never", HugeUnlink.Never)]
    public void Huge_unlink_has_three_values(string argument, HugeUnlink expected) =>
        Assert.Equal(expected, Options(argument).Memory.HugeUnlink);

    [Fact]
    public void A_value_that_may_be_left_out_is_never_the_next_word()
    {
        EalCommand command = Parse("-R", "5", "--huge-unlink", "never");

        Assert.Equal(0, command.Options.Lcores.RemapBase);
        Assert.Equal(HugeUnlink.Always, command.Options.Memory.HugeUnlink);
        Assert.Equal(["5", "never"], command.ApplicationArguments);
    }

    [Theory]
    [InlineData("-R5")]
    [InlineData("-R=5")]
    [InlineData("--remap-lcore-ids=5")]
    public void Lcore_ids_are_remapped_from_a_base(string argument) =>
        Assert.Equal(5, Options(argument).Lcores.RemapBase);

    [Fact]
    public void In_memory_means_no_shared_configuration_either()
    {
        EalOptions options = Options("--in-memory");

        Assert.True(options.Memory.InMemory);
        Assert.True(options.NoSharedConfiguration);
        Assert.True(Options("--no-shconf").NoSharedConfiguration);
    }

    [Fact]
    public void Devices_are_read_in_order()
    {
        EalOptions options = Options(
            "--vdev", "net_null0", "--vdev=net_pcap1,rx_pcap=a.pcap", "-a", "01:00.0", "-a", "pci:0000:01:00.1,key=1",
            "--allow=10000:FE:1F.7", "-a", "net_tap0,iface=t0", "--vfio-intr", "msix",
            "--vfio-vf-token=14d63f20-8445-11ea-8900-1f9ce7d5650d", "-A");

        Assert.Equal(["net_null0", "net_pcap1,rx_pcap=a.pcap", "net_tap0,iface=t0"], options.Vdevs);
        Assert.Equal(["0000:01:00.0", "0000:01:00.1,key=1", "10000:fe:1f.7"], options.AllowedDevices);
        Assert.Equal("msix", options.VfioInterrupt);
        Assert.Equal(Guid.Parse("14d63f20-8445-11ea-8900-1f9ce7d5650d"), options.VfioVfToken);
        Assert.False(options.AutoProbing);
        Assert.Equal(["0000:01:00.0", "0000:02:00.0"], Options("-b", "01:00.0", "--block=02:00.0").BlockedDevices);
        Assert.False(Options("--no-telemetry").Telemetry);
        Assert.True(Options("--telemetry").Telemetry);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    public void Help_is_asked_for_whatever_follows(string argument)
    {
        Assert.True(Parse("-l", "0", argument, "--nonsense").HelpRequested);
        Assert.False(Parse("--", argument).HelpRequested);
    }

    [Theory]
    [InlineData("--version")]
    [InlineData("-v")]
    public void The_version_is_asked_for_and_the_rest_still_counts(string argument)
    {
        EalCommand command = Parse(argument, "--no-pci");

        Assert.True(command.VersionRequested);
        Assert.True(command.Options.NoPci);
    }

    [Fact]
    public void The_help_lists_every_option_of_the_table_with_its_meaning()
    {
        string help = EalCommandLine.Help("l2fwd");

        Assert.StartsWith("usage: l2fwd <EAL options> -- <program options>\n", help, StringComparison.Ordinal);
        string words = string.Join(' ', help.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        foreach (EalOption option in EalOptionTable.All)
        {
            foreach (string name in option.LongNames)
                Assert.Contains($"--{name}", help, StringComparison.Ordinal);
            if (option.Short is { } letter)
                Assert.Contains($"-{letter}, --{option.Name}", help, StringComparison.Ordinal);
            Assert.Contains(option.Meaning, words, StringComparison.Ordinal);
        }

        Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 110 && line == line.TrimEnd(), line));
    }

    [Fact]
    public void The_table_names_nothing_twice_and_excludes_only_what_it_has()
    {
        string[] names = [.. EalOptionTable.All.SelectMany(option => option.LongNames)];
        char[] letters = [.. EalOptionTable.All.Select(option => option.Short).OfType<char>()];

        Assert.Equal(names.Distinct(), names);
        Assert.Equal(letters.Distinct(), letters);
        Assert.All(EalOptionTable.All.SelectMany(option => option.Excludes), name => Assert.Contains(name, names));
        Assert.All(EalOptionTable.All, option => Assert.DoesNotContain(
            EalOptionTable.All, other => other.Excludes.Contains(option.Name) && option.Excludes.Contains(other.Name)));
    }

    [Fact]
    public void An_option_without_effect_is_accepted_with_one_notice()
    {
        EalCommand command = Parse("-n", "4", "--legacy-mem", "-d", "a", "-d", "b", "-s", "1", "--proc-type=auto");

        Assert.Equal(
            [
                "Option '-n' has no effect: memory is not interleaved by channel",
                "Option '--legacy-mem' has no effect: there is one memory layout",
                "Option '-d' has no effect: drivers are part of the program",
                "Option '-s' has no effect: there are no services, so no cores are set aside for them",
            ],
            command.Notices);
        Assert.Equal(["Option '-c' is deprecated; use -l"], Parse("-c", "1").Notices);
    }

    [Fact]
    public void What_is_not_there_yet_is_said_when_it_is_asked_for()
    {
        using var log = new RecordingLogger();
        string[] arguments = ["--no-huge", "-a", "01:00.0", "-a", "net_test0", "--vfio-intr=msi", "--telemetry", "--no-pci"];
        Assert.Throws<CommandLineException>(() => DataplaneRuntime.Create(arguments, [], log));
        Assert.Equal(
            ["Option '--telemetry' has no effect yet: there is no telemetry socket"],
            log.Lines);

        log.Clear();
        DataplaneRuntime.Create(["--no-huge", "-a", "01:00.0"], [], log).Dispose();
        Assert.Equal("The device 0000:01:00.0 is not used: this program brings no PCI drivers", log.Lines[0]);
    }

    [Fact]
    public void Every_option_of_DPDK_that_means_nothing_here_has_a_notice()
    {
        foreach (EalOption option in EalOptionTable.All.Where(option => option.Group == OptionGroup.WithoutEffect))
        {
            string[] arguments = option.NeedsArgument ? [$"--{option.Name}", "1"] : [$"--{option.Name}"];
            Assert.Single(Parse(arguments).Notices);
        }
    }

    [Theory]
    [InlineData("--nonsense", "Option '--nonsense' is unknown; the nearest is '--no-huge'")]
    [InlineData("--sokcet-mem=5", "Option '--sokcet-mem' is unknown; the nearest is '--socket-mem'")]
    [InlineData("--no-tele", "Option '--no-tele' is unknown; the nearest is '--no-telemetry'")]
    [InlineData("--LCORES", "Option '--LCORES' is unknown; the nearest is ")]
    [InlineData("--=", "Option '--' is unknown; the nearest is ")]
    [InlineData("-L", "Option '-L' is unknown; the nearest is '-l'")]
    [InlineData("-p", "Option '-p' is unknown; --help lists all, and options of the program come after --")]
    public void An_unknown_option_is_refused_with_the_nearest(string argument, string message) =>
        Assert.StartsWith(message, Error(argument, "3"), StringComparison.Ordinal);

    [Theory]
    [InlineData("-l")]
    [InlineData("-l", "--")]
    [InlineData("-l", "--no-pci")]
    [InlineData("-l", "-m")]
    public void A_forgotten_value_is_refused(params string[] arguments) =>
        Assert.Equal("Option '-l' needs a value; write -l LIST", Error(arguments));

    [Theory]
    [InlineData(
        "--no-huge=yes",
        "Option '--no-huge' takes no value, but '--no-huge=yes' gives it 'yes'; write --no-huge")]
    [InlineData("-vv", "Option '-v' takes no value, but '-vv' gives it 'v'; write -v")]
    public void A_value_too_much_is_refused(string argument, string message) => Assert.Equal(message, Error(argument));

    [Fact]
    public void The_same_option_twice_is_refused_unless_it_says_the_same()
    {
        Assert.Equal(
            "Option '--lcores' is given twice, with '0' and with '1'; leave one of them out",
            Error("-l", "0", "--lcores=1"));
        Assert.Equal(
            "Option '--socket-mem' is given twice, with '1' and with '2'; leave one of them out",
            Error("--numa-mem=1", "--socket-mem=2"));
        Assert.True(Options("--no-pci", "--no-pci").NoPci);
    }

    [Theory]
    [InlineData("-l 0", "-c 1", "-l", "-c")]
    [InlineData("--lcores=0", "--coremask=1", "--lcores", "--coremask")]
    [InlineData("-m 64", "--socket-mem=64", "-m", "--socket-mem")]
    [InlineData("--no-huge", "--numa-mem=64", "--no-huge", "--numa-mem")]
    [InlineData("--no-huge", "--single-file-segments", "--no-huge", "--single-file-segments")]
    [InlineData("--no-huge", "--match-allocations", "--no-huge", "--match-allocations")]
    [InlineData("--no-huge", "--huge-worker-stack", "--no-huge", "--huge-worker-stack")]
    [InlineData("--huge-unlink", "--no-huge", "--huge-unlink", "--no-huge")]
    [InlineData("--huge-unlink", "--in-memory", "--huge-unlink", "--in-memory")]
    [InlineData("--huge-unlink", "--single-file-segments", "--huge-unlink", "--single-file-segments")]
    [InlineData("--in-memory", "--legacy-mem", "--in-memory", "--legacy-mem")]
    [InlineData("--legacy-mem", "--match-allocations", "--legacy-mem", "--match-allocations")]
    [InlineData("--socket-limit=1", "--legacy-mem", "--socket-limit", "--legacy-mem")]
    [InlineData("-a 01:00.0", "-b 02:00.0", "-a", "-b")]
    [InlineData("--telemetry", "--no-telemetry", "--telemetry", "--no-telemetry")]
    [InlineData("--auto-probing", "-A", "--auto-probing", "-A")]
    [InlineData("-S 1", "-s 1", "-S", "-s")]
    public void Options_that_contradict_are_refused_in_either_order(
        string one, string other, string first, string second)
    {
        string sentence = $"Options '{first}' and '{second}' can't be used at the same time; leave one of them out";

        Assert.Equal(sentence, Error([.. one.Split(' '), .. other.Split(' ')]));
        Assert.Equal(sentence, Error([.. other.Split(' '), .. one.Split(' ')]));
    }

    [Fact]
    public void Remapping_lcores_that_are_mapped_already_is_refused()
    {
        Assert.Equal(
            "Option '-R' can't be used with '@' or '(' in '--lcores 0@1'; leave out -R, or list only CPUs",
            Error("-R", "--lcores", "0@1"));
        Assert.Equal(0, Options("-R", "-l", "5-7").Lcores.RemapBase);
    }

    [Theory]
    [InlineData("-m=x", "Option '-m' takes a number of MiB, not 'x'; for example 512")]
    [InlineData("-m=9999999999", "Option '-m' takes a number of MiB, not '9999999999'; for example 512")]
    [InlineData(
        "--socket-mem=1,x",
        "Option '--socket-mem' takes MiB of each NUMA node, separated by commas, not '1,x'; for example 1024,1024")]
    [InlineData(
        "--socket-mem=",
        "Option '--socket-mem' takes MiB of each NUMA node, separated by commas, not ''; for example 1024,1024")]
    [InlineData(
        "--numa-limit=-1",
        "Option '--numa-limit' takes MiB of each NUMA node, separated by commas, not '-1'; for example 1024,1024")]
    [InlineData(
        "--file-prefix=a%b",
        "Option '--file-prefix' takes a name of at most 200 characters without '%' and '/', not 'a%b'")]
    [InlineData(
        "--file-prefix=a/b",
        "Option '--file-prefix' takes a name of at most 200 characters without '%' and '/', not 'a/b'")]
    [InlineData(
        "--file-prefix=..",
        "Option '--file-prefix' takes a name of at most 200 characters without '%' and '/', not '..'")]
    [InlineData(
        "--file-prefix=",
        "Option '--file-prefix' takes a name of at most 200 characters without '%' and '/', not ''")]
    [InlineData("--huge-dir=", "Option '--huge-dir' takes the mount point of a hugetlbfs, not ''")]
    [InlineData("--huge-unlink=maybe", "Option '--huge-unlink' takes existing, always or never, not 'maybe'")]
    [InlineData("--iova-mode=PA", "Option '--iova-mode' takes pa or va, not 'PA'")]
    [InlineData("--vfio-intr=intx", "Option '--vfio-intr' takes legacy, msi or msix, not 'intx'")]
    [InlineData(
        "--base-virtaddr=zz",
        "Option '--base-virtaddr' takes a hexadecimal address of user space, not 'zz'; for example 0x100000000")]
    [InlineData(
        "--base-virtaddr=ffffffffffffffff",
        "Option '--base-virtaddr' takes a hexadecimal address of user space, not 'ffffffffffffffff'; for " +
        "example 0x100000000")]
    [InlineData("--main-lcore=x", "Option '--main-lcore' takes a number from 0 to 8191, not 'x'")]
    [InlineData("-R128", "Option '-R' takes a number from 0 to 127, not '128'")]
    [InlineData(
        "-b=net_null0",
        "Option '-b' takes a PCI address, not 'net_null0'; for example 0000:01:00.0; lspci -D lists them")]
    [InlineData(
        "-a=0:0:0",
        "Option '-a' takes a PCI address or the name of a software port, not '0:0:0'; for example " +
        "0000:01:00.0; lspci -D lists them")]
    [InlineData(
        "-a=00:20.0",
        "Option '-a' takes a PCI address or the name of a software port, not '00:20.0'; for example " +
        "0000:01:00.0; lspci -D lists them")]
    [InlineData(
        "--vdev=",
        "Option '--vdev' takes a driver's name with a number and devargs, not ''; for example net_tap0,iface=tap0")]
    [InlineData(
        "--vdev=,iface=x",
        "Option '--vdev' takes a driver's name with a number and devargs, not ',iface=x'; for example " +
        "net_tap0,iface=tap0")]
    [InlineData(
        "--proc-type=secondary",
        "Option '--proc-type' takes primary or auto, not 'secondary'; a process cannot join another's " +
        "memory; connect the two with net_memif ports")]
    [InlineData("--proc-type=main", "Option '--proc-type' takes primary or auto, not 'main'")]
    [InlineData(
        "--vfio-vf-token=1",
        "Option '--vfio-vf-token' takes a UUID, not '1'; give the one that the PF's driver has, as " +
        "14d63f20-8445-11ea-8900-1f9ce7d5650d")]
    [InlineData(
        "-l=0-",
        "Option '-l' takes CPUs as 0-3,7 or lcores on CPUs as 1@(5-7),(3-5)@(0,2), not '0-' (it ends too early)")]
    [InlineData("-c=zz", "Option '-c' takes a hexadecimal mask of CPUs as 0xf, not 'zz' ('z' is no hexadecimal digit)")]
    [InlineData("-c=0x0", "Option '-c' takes a hexadecimal mask of CPUs as 0xf, not '0x0' (it has no bit set)")]
    public void A_wrong_value_is_refused_in_one_sentence(string argument, string message) =>
        Assert.Equal(message, Error(argument));
}
