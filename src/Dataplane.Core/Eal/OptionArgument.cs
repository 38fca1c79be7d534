using System.Globalization;
using Dataplane.Lcores;
using Dataplane.Memory;

namespace Dataplane.Eal;

/// <summary>The value of an option, read as what the option takes; every refusal names the option.</summary>
/// <param name="Option">The option as it was written.</param>
/// <param name="Text">Its value; null if it has none.</param>
internal readonly record struct OptionArgument(string Option, string? Text)
{
    /// <summary>Where user space ends on x86-64; on arm64 it is larger (Documentation/arch/*/mm of Linux).</summary>
    private const ulong EndOfAddresses = 1UL << 47;

    /// <summary>The value of an option that cannot be without one.</summary>
    private string Value =>
        Text ?? throw new InvalidOperationException($"The table gives option '{Option}' no argument");

    /// <param name="expected">What the option takes.</param>
    /// <param name="remedy">What to write instead.</param>
    /// <param name="flaw">What exactly is wrong with the value, if it is not plain to see.</param>
    public CommandLineException Refuse(string expected, string? remedy = null, FormatException? flaw = null) =>
        new($"Option '{Option}' takes {expected}, not '{Text}'" + (flaw is null ? "" : $" ({flaw.Message})"), remedy);

    public string NotEmpty(string expected) => Value.Length > 0 ? Value : throw Refuse(expected);

    /// <summary>One of a few words; the value that stands beside it.</summary>
    public T OneOf<T>(params ReadOnlySpan<(string Word, T Value)> choices)
    {
        var words = new List<string>();
        foreach ((string word, T value) in choices)
        {
            if (word == Text)
                return value;
            words.Add(word);
        }

        throw Refuse(string.Join(", ", words[..^1]) + " or " + words[^1]);
    }

    public int Number(int least, int most) =>
        ParseNumber(Value) is { } number && number >= least && number <= most
            ? number
            : throw Refuse($"a number from {least} to {most}");

    /// <summary>MiB; 0 is as good as nothing.</summary>
    public int? Megabytes() => ParseNumber(Value) switch
    {
        null => throw Refuse("a number of MiB", "for example 512"),
        0 => null,
        { } megabytes => megabytes,
    };

    /// <summary>MiB for NUMA node 0, node 1, ...</summary>
    public int[] MegabytesPerNode() => [.. Value.Split(',').Select(ParseNumber).Select(Required)];

    /// <summary>The first part of file names and the name of the runtime directory.</summary>
    public string FilePrefix()
    {
        // Its files are called <prefix>map_<number>, below NAME_MAX (255, linux/limits.h); DPDK formats it with '%'.
        bool usable = Value.Length is > 0 and <= 200 && Value is not ("." or "..") &&
            !Value.AsSpan().ContainsAny('%', '/', '\0');
        return usable ? Value : throw Refuse("a name of at most 200 characters without '%' and '/'");
    }

    public HugeUnlink HugeUnlink() => Text is null
        ? Memory.HugeUnlink.Always
        : OneOf(
            ("existing", Memory.HugeUnlink.Existing),
            ("always", Memory.HugeUnlink.Always),
            ("never", Memory.HugeUnlink.Never));

    /// <summary>A hexadecimal address, rounded up to 16 MiB as DPDK does.</summary>
    public ulong Address()
    {
        const ulong Alignment = 16 << 20;
        string digits = Value.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? Value[2..] : Value;
        bool isNumber = ulong.TryParse(
            digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address);
        return isNumber && address is > 0 and < EndOfAddresses - Alignment
            ? (address + Alignment - 1) & ~(Alignment - 1)
            : throw Refuse("a hexadecimal address of user space", "for example 0x100000000");
    }

    public Guid Uuid() => Guid.TryParseExact(Value, "D", out Guid uuid)
        ? uuid
        : throw Refuse("a UUID", "give the one that the PF's driver has, as 14d63f20-8445-11ea-8900-1f9ce7d5650d");

    public IReadOnlyList<LcoreAssignment> LcoreMap()
    {
        try
        {
            return LcoreList.Parse(Value);
        }
        catch (FormatException e)
        {
            throw Refuse("CPUs as 0-3,7 or lcores on CPUs as 1@(5-7),(3-5)@(0,2)", flaw: e);
        }
    }

    public IReadOnlyList<LcoreAssignment> LcoreMask()
    {
        try
        {
            return LcoreList.ParseMask(Value);
        }
        catch (FormatException e)
        {
            throw Refuse("a hexadecimal mask of CPUs as 0xf", flaw: e);
        }
    }

    public LogLevelRule LogLevel()
    {
        try
        {
            return LogLevelSyntax.Parse(Value);
        }
        catch (FormatException e)
        {
            throw Refuse("LEVEL, PATTERN:LEVEL or REGEXP,LEVEL", "--log-level=help lists the levels", e);
        }
    }

    /// <summary>The name of a software port with its devargs.</summary>
    public string Vdev()
    {
        string name = Value.Split(',', 2)[0];
        return LooksLikeName(name) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            ? Value
            : throw Refuse("a driver's name with a number and devargs", "for example net_tap0,iface=tap0");
    }

    /// <summary>Reads a device of the PCI bus.</summary>
    /// <param name="device"><c>address[,devargs]</c>, the address in the form of sysfs.</param>
    /// <returns>False if the device is on no PCI bus by the look of its name.</returns>
    public bool TryPciDevice(out string device)
    {
        const string Bus = "pci:";
        string[] parts = Value.Split(',', 2);
        string written = parts[0].StartsWith(Bus, StringComparison.Ordinal) ? parts[0][Bus.Length..] : parts[0];
        bool isPci = PciAddress.TryNormalize(written, out string address);
        device = parts.Length == 2 ? $"{address},{parts[1]}" : address;
        return isPci;
    }

    public string PciDevice() => TryPciDevice(out string device) ? device : throw RefuseDevice("a PCI address");

    /// <summary>A device that is no PCI device: a software port.</summary>
    public string VdevOfDevice() => LooksLikeName(Value) && !Value.Split(',')[0].Contains(':', StringComparison.Ordinal)
        ? Vdev()
        : throw RefuseDevice("a PCI address or the name of a software port");

    private CommandLineException RefuseDevice(string expected) =>
        Refuse(expected, "for example 0000:01:00.0; lspci -D lists them");

    private static bool LooksLikeName(string text) => text.Length > 0 && char.IsAsciiLetter(text[0]);

    private int Required(int? megabytes) =>
        megabytes ?? throw Refuse("MiB of each NUMA node, separated by commas", "for example 1024,1024");

    private static int? ParseNumber(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
