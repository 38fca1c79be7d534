using Dataplane.Lcores;
using Dataplane.Memory;

namespace Dataplane.Eal;

/// <summary>
/// All options before <c>--</c>: the one place that says how each is written, what it means, and what it does.
/// Names and conflicts are those of DPDK 25.11 (with the short names and aliases that 22.11 has).
/// </summary>
internal static class EalOptionTable
{
    private const string NoServices = "there are no services, so no cores are set aside for them";
    private const string NoTraces = "there are no trace points; use dotnet-trace";

    public static readonly IReadOnlyList<EalOption> All =
    [
        new("lcores", OptionGroup.Lcores,
            "CPUs to run lcores on: 0-3,7; or lcores on CPUs: 1@(5-7),(3-5)@(0,2). Default: all that are allowed")
        {
            Short = 'l', Argument = "LIST", Excludes = ["coremask"],
            Apply = Lcores((lcores, argument) => lcores with { Assignments = argument.LcoreMap() }),
        },
        new("coremask", OptionGroup.Lcores, "CPUs to run lcores on, as a hexadecimal mask (deprecated, use -l)")
        {
            Short = 'c', Argument = "MASK", Notice = "is deprecated; use -l",
            Apply = Lcores((lcores, argument) => lcores with { Assignments = argument.LcoreMask() }),
        },
        new("main-lcore", OptionGroup.Lcores, "Which lcore is the main one. Default: the lowest")
        {
            Argument = "ID",
            Apply = Lcores((lcores, argument) => lcores with { MainLcore = argument.Number(0, CpuSet.MaxCpus - 1) }),
        },
        new("remap-lcore-ids", OptionGroup.Lcores, "Number the lcores from 0, or BASE, on, whatever their CPUs are")
        {
            Short = 'R', Argument = "[BASE]",
            Apply = Lcores((lcores, argument) => lcores with
            {
                RemapBase = argument.Text is null ? 0 : argument.Number(0, LcoreContext.MaxLcores - 1),
            }),
        },

        new("memory-size", OptionGroup.Memory, "MiB of memory to take at start")
        {
            Short = 'm', Argument = "MIB", Excludes = ["numa-mem"],
            Apply = Memory((memory, argument) => memory with { Megabytes = argument.Megabytes() }),
        },
        new("numa-mem", OptionGroup.Memory, "MiB of memory to take at start on each NUMA node")
        {
            Aliases = ["socket-mem"], Argument = "MIB,MIB...",
            Apply = Memory((memory, argument) => memory with { MegabytesPerNode = argument.MegabytesPerNode() }),
        },
        new("numa-limit", OptionGroup.Memory, "Most MiB of memory on each NUMA node, 0 for no limit")
        {
            Aliases = ["socket-limit"], Argument = "MIB,MIB...", Excludes = ["legacy-mem"],
            Apply = Memory((memory, argument) => memory with { LimitPerNode = argument.MegabytesPerNode() }),
        },
        new("huge-dir", OptionGroup.Memory, "The hugetlbfs to use. Default: the first of /proc/mounts that serves")
        {
            Argument = "DIR",
            Apply = Memory((memory, argument) => memory with
            {
                HugeDirectory = argument.NotEmpty("the mount point of a hugetlbfs"),
            }),
        },
        new("file-prefix", OptionGroup.Memory, "First part of the names of this process's files. Default: rte")
        {
            Argument = "PREFIX",
            Apply = Memory((memory, argument) => memory with { FilePrefix = argument.FilePrefix() }),
        },
        new("huge-unlink", OptionGroup.Memory,
            "When hugepage files are removed: existing (the default: at start, those of the dead), always, never")
        {
            Argument = "[existing|always|never]", Excludes = ["no-huge", "in-memory", "single-file-segments"],
            Apply = Memory((memory, argument) => memory with { HugeUnlink = argument.HugeUnlink() }),
        },
        new("in-memory", OptionGroup.Memory, "No files at all; hugepages without a hugetlbfs")
        {
            Excludes = ["legacy-mem"],
            Apply = Options((options, _) => options with
            {
                Memory = options.Memory with { InMemory = true },
                NoSharedConfiguration = true,
            }),
        },
        new("no-huge", OptionGroup.Memory, "Ordinary pages instead of hugepages")
        {
            Excludes = ["numa-mem", "single-file-segments", "match-allocations", "huge-worker-stack"],
            Apply = Memory((memory, _) => memory with { NoHuge = true }),
        },
        new("single-file-segments", OptionGroup.Memory, "One file for all hugepages of a size and NUMA node")
        {
            Apply = Memory((memory, _) => memory with { SingleFileSegments = true }),
        },
        new("base-virtaddr", OptionGroup.Memory, "Where in the address space to map memory, hexadecimal")
        {
            Argument = "ADDRESS",
            Apply = Memory((memory, argument) => memory with { BaseVirtualAddress = argument.Address() }),
        },
        new("iova-mode", OptionGroup.Memory, "Addresses that devices are given: physical or virtual")
        {
            Argument = "pa|va",
            Apply = Memory((memory, argument) => memory with
            {
                IovaMode = argument.OneOf(("pa", IovaMode.Pa), ("va", IovaMode.Va)),
            }),
        },

        new("vdev", OptionGroup.Devices, "A software port: driver, number and devargs, as net_tap0,iface=tap0")
        {
            Argument = "NAME[,KEY=VALUE...]", Repeatable = true,
            Apply = Options((options, argument) => options with { Vdevs = [.. options.Vdevs, argument.Vdev()] }),
        },
        new("allow", OptionGroup.Devices, "Use this PCI device, and no other that is not named")
        {
            Short = 'a', Argument = "ADDRESS[,KEY=VALUE...]", Repeatable = true, Excludes = ["block"],
            Apply = Options((options, argument) => argument.TryPciDevice(out string device)
                ? options with { AllowedDevices = [.. options.AllowedDevices, device] }
                : options with { Vdevs = [.. options.Vdevs, argument.VdevOfDevice()] }),
        },
        new("block", OptionGroup.Devices, "Do not use this PCI device")
        {
            Short = 'b', Argument = "ADDRESS", Repeatable = true,
            Apply = Options((options, argument) => options with
            {
                BlockedDevices = [.. options.BlockedDevices, argument.PciDevice()],
            }),
        },
        new("no-pci", OptionGroup.Devices, "Use no PCI device")
        {
            Apply = Options((options, _) => options with { NoPci = true }),
        },
        new("auto-probing", OptionGroup.Devices, "Use PCI devices that nobody named as well (the default)")
        {
            Excludes = ["no-auto-probing"],
            Apply = Options((options, _) => options with { AutoProbing = true }),
        },
        new("no-auto-probing", OptionGroup.Devices, "Use only PCI devices that are named with -a")
        {
            Short = 'A',
            Apply = Options((options, _) => options with { AutoProbing = false }),
        },
        new("vfio-intr", OptionGroup.Devices, "How VFIO devices interrupt. Default: the best that the device has")
        {
            Argument = "legacy|msi|msix",
            Apply = Options((options, argument) => options with
            {
                VfioInterrupt = argument.OneOf(("legacy", "legacy"), ("msi", "msi"), ("msix", "msix")),
            }),
        },
        new("vfio-vf-token", OptionGroup.Devices, "The token that a PF shares with its VFs")
        {
            Argument = "UUID",
            Apply = Options((options, argument) => options with { VfioVfToken = argument.Uuid() }),
        },

        new("telemetry", OptionGroup.Other, "Serve the telemetry socket (the default, once there is one)")
        {
            Excludes = ["no-telemetry"], Notice = "has no effect yet: there is no telemetry socket",
            Apply = Options((options, _) => options with { Telemetry = true }),
        },
        new("no-telemetry", OptionGroup.Other, "Do not serve the telemetry socket")
        {
            Apply = Options((options, _) => options with { Telemetry = false }),
        },
        new("no-shconf", OptionGroup.Other, "No files but hugepages")
        {
            Apply = Options((options, _) => options with { NoSharedConfiguration = true }),
        },
        new("log-level", OptionGroup.Other, "What to log, as debug or pmd.*:debug; help lists the levels")
        {
            Argument = "LEVEL|PATTERN:LEVEL|REGEXP,LEVEL|help", Repeatable = true,
            Apply = (command, argument) => argument.Text == "help"
                ? command with { LogLevelHelpRequested = true }
                : AddLogLevel(command, argument.LogLevel()),
        },
        new("proc-type", OptionGroup.Other, "What this process is among several; there are no secondary ones")
        {
            Argument = "primary|auto",
            Apply = (command, argument) => CheckProcessType(command, argument),
        },
        new("version", OptionGroup.Other, "Log the version")
        {
            Short = 'v',
            Apply = (command, _) => command with { VersionRequested = true },
        },
        new("help", OptionGroup.Other, "Print this text")
        {
            Short = 'h',
            Apply = (command, _) => command with { HelpRequested = true },
        },

        Ignored("memory-channels", "memory is not interleaved by channel", "N", 'n'),
        Ignored("memory-ranks", "memory is not interleaved by rank", "N", 'r'),
        Ignored("legacy-mem", "there is one memory layout", excludes: ["match-allocations"]),
        Ignored("match-allocations", "memory is given back whole, at the end"),
        Ignored("pagesz-mem", "there is no limit by page size; use --numa-limit", "SIZE:LIMIT", repeatable: true),
        Ignored("huge-worker-stack", "stacks of threads belong to .NET", "[KB]"),
        Ignored("service-corelist", NoServices, "LIST", 'S', excludes: ["service-coremask"]),
        Ignored("service-coremask", NoServices, "MASK", 's'),
        Ignored("driver-path", "drivers are part of the program", "PATH", 'd', repeatable: true),
        Ignored("mbuf-pool-ops-name", "there is one kind of mempool", "NAME"),
        Ignored("force-max-simd-bitwidth", "the JIT chooses the instructions; see DOTNET_EnableHWIntrinsic", "BITS"),
        Ignored("create-uio-dev", "devices are used through VFIO only"),
        Ignored("no-hpet", "the time is the CPU's counter"),
        Ignored("vmware-tsc-map", "the time is the CPU's counter"),
        Ignored("syslog", "logs go to standard error", "[FACILITY]"),
        Ignored("log-color", "logs have no colours", "[WHEN]"),
        Ignored("log-timestamp", "logs have no time of their own", "[FORMAT]"),
        Ignored("trace", NoTraces, "REGEXP", repeatable: true),
        Ignored("trace-dir", NoTraces, "DIR"),
        Ignored("trace-bufsz", NoTraces, "SIZE"),
        Ignored("trace-mode", NoTraces, "MODE"),
    ];

    /// <summary>A row for an option that command lines for DPDK have and that means nothing here.</summary>
    private static EalOption Ignored(
        string name,
        string reason,
        string? argument = null,
        char? shortName = null,
        bool repeatable = false,
        string[]? excludes = null) =>
        new(name, OptionGroup.WithoutEffect, reason)
        {
            Short = shortName,
            Argument = argument,
            Repeatable = repeatable,
            Excludes = excludes ?? [],
            Notice = $"has no effect: {reason}",
        };

    private static Func<EalCommand, OptionArgument, EalCommand> Options(
        Func<EalOptions, OptionArgument, EalOptions> set) =>
        (command, argument) => command with { Options = set(command.Options, argument) };

    private static Func<EalCommand, OptionArgument, EalCommand> Memory(
        Func<MemoryOptions, OptionArgument, MemoryOptions> set) =>
        Options((options, argument) => options with { Memory = set(options.Memory, argument) });

    private static Func<EalCommand, OptionArgument, EalCommand> Lcores(
        Func<LcoreOptions, OptionArgument, LcoreOptions> set) =>
        Options((options, argument) => options with { Lcores = set(options.Lcores, argument) });

    private static EalCommand AddLogLevel(EalCommand command, LogLevelRule rule) =>
        command with { Options = command.Options with { LogLevels = [.. command.Options.LogLevels, rule] } };

    private static EalCommand CheckProcessType(EalCommand command, OptionArgument argument) =>
        argument.Text?.ToUpperInvariant() switch
        {
            "PRIMARY" or "AUTO" => command,
            "SECONDARY" => throw argument.Refuse(
                "primary or auto", "a process cannot join another's memory; connect the two with net_memif ports"),
            _ => throw argument.Refuse("primary or auto"),
        };
}
