using System.Text.Json;
using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Eal;

/// <summary>What must hold for every command line there can be.</summary>
public class EalCommandLineProperties
{
    /// <summary>Values that each option of the table takes, and what it then does to the options.</summary>
    private static readonly Dictionary<string, Gen<string>> s_values = new()
    {
        ["lcores"] = Strings("0", "0-3,7", "1@(5-7),(3-5)@(0,2)", "8191", "(0,6),7-8"),
        ["coremask"] = Strings("1", "0xff", "8000000000000000000001"),
        ["main-lcore"] = Numbers(0, 8191),
        ["remap-lcore-ids"] = Numbers(0, 127),
        ["memory-size"] = Numbers(1, int.MaxValue),
        ["numa-mem"] = NumberLists(),
        ["numa-limit"] = NumberLists(),
        ["huge-dir"] = Strings("/mnt/huge", "/a dir/=x"),
        ["file-prefix"] = Strings("rte", "a b", "x=y", "--", "-x"),
        ["huge-unlink"] = Strings("existing", "always", "never"),
        ["base-virtaddr"] = Strings("100000000", "0x7000000000", "1"),
        ["iova-mode"] = Strings("pa", "va"),
        ["vdev"] = Strings("net_null0", "net_pcap0,rx_pcap=a=b.pcap,tx_iface=x"),
        ["allow"] = Strings("0000:01:00.0", "ff:1f.7,key=-1", "net_null9"),
        ["block"] = Strings("0000:01:00.0", "pci:10000:ff:1f.7"),
        ["vfio-intr"] = Strings("legacy", "msi", "msix"),
        ["vfio-vf-token"] = ArbMap.Default.GeneratorFor<Guid>().Select(guid => guid.ToString("D")),
        ["log-level"] = Strings("8", "pmd.*:debug", "^lib\\.,err", "emerg"),
        ["proc-type"] = Strings("primary", "auto", "PRIMARY"),
    };

    private static Gen<string> Strings(params string[] values) => Gen.Elements(values);

    private static Gen<string> Numbers(int least, int most) => Gen.Choose(least, most).Select(number => $"{number}");

    private static Gen<string> NumberLists() =>
        Numbers(0, 100_000).NonEmptyListOf().Select(numbers => string.Join(',', numbers));

    /// <summary>An option with a value, and dice that decide how it is spelled.</summary>
    private sealed record Given(EalOption Option, string? Value, int Dice)
    {
        public IEnumerable<string> Spell(int dice)
        {
            string[] names = [.. Option.LongNames.Select(name => $"--{name}")];
            bool shorten = Option.Short is not null && dice % 2 == 0;
            string name = shorten ? $"-{Option.Short}" : names[dice / 2 % names.Length];
            if (Value is null)
                return [name];
            bool isNextWord = Option.NeedsArgument && Value[0] != '-' && dice / 8 % 2 == 0;
            return isNextWord ? [name, Value] : [shorten && dice / 16 % 2 == 0 ? name + Value : $"{name}={Value}"];
        }
    }

    private static Gen<Given> GivenOf(EalOption option)
    {
        Gen<string> some = s_values.GetValueOrDefault(option.Name) ?? Strings("1", "x,y", "a b");
        Gen<string?> value = option.Argument is null ? Gen.Constant<string?>(null) : some.Select(text => (string?)text);
        if (option.ArgumentIsOptional)
            value = Gen.OneOf(value, Gen.Constant<string?>(null));
        return value.Zip(Gen.Choose(0, 1000)).Select(pair => new Given(option, pair.Item1, pair.Item2));
    }

    /// <summary>Options without --help, each at most once, none that excludes another, in any order.</summary>
    private static Gen<IReadOnlyList<Given>> CommandLines() =>
        Gen.Shuffle(EalOptionTable.All.Where(option => option.Name != "help"))
            .Zip(Gen.Choose(0, 12))
            .Select(pair => pair.Item1.Take(pair.Item2).Aggregate(
                new List<EalOption>(),
                (chosen, option) => chosen.Any(other => Conflict(other, option)) ? chosen : [.. chosen, option]))
            .SelectMany(chosen => Gen.CollectToArray(chosen, GivenOf))
            .Where(all => !all.Any(given => given.Option.Name == "remap-lcore-ids") ||
                !all.Any(given => given.Option.Name == "lcores" && LcoreList.IsMap(given.Value!)))
            .Select(all => (IReadOnlyList<Given>)[.. all]);

    private static bool Conflict(EalOption one, EalOption other) =>
        one.Excludes.Contains(other.Name) || other.Excludes.Contains(one.Name);

    private static string Print(EalCommand command) =>
        JsonSerializer.Serialize(command.Options with { Lcores = new LcoreOptions() }) +
        $" {command.Options.Lcores.MainLcore} {command.Options.Lcores.RemapBase} {command.VersionRequested} " +
        string.Join(' ', command.Options.Lcores.Assignments?.Select(lcore => $"{lcore.LcoreId}@{lcore.Cpus}") ?? []);

    [Fact]
    public void A_command_line_of_the_table_means_the_same_however_it_is_spelled() =>
        Prop.ForAll(CommandLines().ToArbitrary(), line =>
        {
            EalCommand plain = EalCommandLine.Parse([.. line.SelectMany(given => given.Spell(dice: 1))]);
            EalCommand spelled = EalCommandLine.Parse(
                [.. line.SelectMany(given => given.Spell(given.Dice)), "--", "-p", "3"]);

            return Print(plain) == Print(spelled) && plain.Notices.Count == spelled.Notices.Count &&
                spelled.ApplicationArguments.SequenceEqual(["-p", "3"]);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Options_rendered_to_a_command_line_parse_back_to_the_same()
    {
        Gen<EalOptions> options =
            from megabytes in Gen.Choose(1, 1 << 20)
            from prefix in Gen.Elements("rte", "a", "b.c")
            from unlink in Gen.Elements(Enum.GetValues<HugeUnlink>())
            from iova in Gen.Elements<IovaMode?>(null, IovaMode.Pa, IovaMode.Va)
            from main in Gen.Elements<int?>(null, 0, 77)
            from vdevs in Gen.Elements("net_null0", "net_tap1,iface=x,mac=fixed").ListOf()
            from lcores in Gen.Choose(0, 200).ListOf().Zip(Gen.Choose(0, 200).NonEmptyListOf())
            from flags in ArbMap.Default.GeneratorFor<bool>().Three()
            select new EalOptions
            {
                Memory = new MemoryOptions
                {
                    Megabytes = megabytes,
                    FilePrefix = prefix,
                    HugeUnlink = unlink,
                    IovaMode = iova,
                },
                Lcores = new LcoreOptions
                {
                    MainLcore = main,
                    Assignments = lcores.Item1.Count == 0 ? null : Assign(lcores.Item1, lcores.Item2),
                },
                Vdevs = [.. vdevs],
                NoPci = flags.Item1,
                Telemetry = flags.Item2,
                NoSharedConfiguration = flags.Item3,
            };

        Prop.ForAll(options.ToArbitrary(), expected =>
            Print(EalCommandLine.Parse(Render(expected))) == Print(new EalCommand { Options = expected }))
            .QuickCheckThrowOnFailure();
    }

    private static LcoreAssignment[] Assign(IEnumerable<int> ids, IEnumerable<int> cpus) =>
        [.. ids.Distinct().Order().Select(id => new LcoreAssignment(id, new CpuSet(cpus)))];

    private static List<string> Render(EalOptions options)
    {
        List<string> line = ["-m", $"{options.Memory.Megabytes}", $"--file-prefix={options.Memory.FilePrefix}"];
        line.Add($"--huge-unlink={options.Memory.HugeUnlink.ToString().ToLowerInvariant()}");
        if (options.Memory.IovaMode is { } iova)
            line.AddRange(["--iova-mode", iova.ToString().ToLowerInvariant()]);
        if (options.Lcores.MainLcore is { } main)
            line.Add($"--main-lcore={main}");
        if (options.Lcores.Assignments is { } lcores)
            line.Add("-l" + string.Join(',', lcores.Select(lcore => $"{lcore.LcoreId}@({lcore.Cpus})")));
        line.AddRange(options.Vdevs.SelectMany(vdev => new[] { "--vdev", vdev }));
        if (options.NoPci)
            line.Add("--no-pci");
        if (!options.Telemetry)
            line.Add("--no-telemetry");
        if (options.NoSharedConfiguration)
            line.Add("--no-shconf");
        return line;
    }

    [Fact]
    public void Garbage_is_refused_politely()
    {
        // Half of the words look like options, with garbage for values: those reach the readers of the values.
        Gen<string> garbage = ArbMap.Default.GeneratorFor<string>().Where(text => text is not null);
        Gen<string> nearOption =
            from option in Gen.Elements(EalOptionTable.All.AsEnumerable())
            from value in Gen.OneOf(garbage, Gen.Elements("", "0", "0-", "1@", "(", ")", ",", "-1", "0x", "9999999999"))
            from prefix in Gen.Elements($"--{option.Name}=", $"-{option.Short ?? 'x'}", $"--{option.Name}")
            select prefix + value;

        Prop.ForAll(Gen.OneOf(garbage, nearOption).ListOf().ToArbitrary(), words =>
        {
            try
            {
                EalCommandLine.Parse([.. words]);
            }
            catch (DataplaneException e)
            {
                return e.Message.Length > 0;
            }

            return true;
        }).QuickCheckThrowOnFailure();
    }
}
