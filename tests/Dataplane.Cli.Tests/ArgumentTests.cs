using CommandLine;
using Dataplane.Cli.Devbind;
using Dataplane.Cli.Hugepages;
using Dataplane.Testing;

namespace Dataplane.Cli.Tests;

public sealed class ArgumentTests : IDisposable
{
    private readonly FakeMachine _machine = new();

    public static TheoryData<string, string> Mistakes => new()
    {
        { "", "No command is given|write 'dataplane devbind ...' or 'dataplane hugepages ...'; --help says what they do" },
        { "devbnd --status", "There is no command 'devbnd'|did you mean 'devbind'? --help lists the commands" },
        { "devbind --statsu", "There is no option '--statsu'|--help behind the command lists its options" },
        { "devbind -x", "There is no option '-x'|--help behind the command lists its options" },
        { "devbind", "devbind is not told what to do|give --status, --bind DRIVER, --unbind or --restore" },
        { "devbind --bind", "devbind is not told what to do|give --status, --bind DRIVER, --unbind or --restore" },
        { "devbind --unbind --restore 1:0.0", "--bind, --unbind and --restore exclude each other|give one of them" },
        { "devbind --restore", "No device is given|write the addresses of devices or the names of their interfaces; --status lists them" },
        { "devbind --unbind --json 1:0.0", "--json goes with --status|leave it out, or add --status" },
        { "devbind --bind 01:00.0", "'01:00.0' behind --bind is a device, not a driver|write --bind vfio-pci 01:00.0" },
        { "hugepages", "hugepages is not told what to do|give --show, --setup SIZE or --clear" },
        { "hugepages --show 1G", "'1G' is no option|--help behind the command lists its options" },
        { "hugepages --clear --json", "--json goes with --show|leave it out, or add --show" },
        { "hugepages --show --mount /mnt", "--mount goes with --setup|leave it out, or add --setup SIZE" },
        { "hugepages --show --node x", "The value of option '--node' cannot be read|--help behind the command says what it takes" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_a_sentence_with_its_remedy(string arguments, string sentence)
    {
        string[] parts = sentence.Split('|');

        CommandRun.Of(_machine.Files, arguments).AssertFails($"dataplane: {parts[0]}\n  Remedy: {parts[1]}\n");
    }

    [Theory]
    [InlineData("--help", "dataplane prepares a machine")]
    [InlineData("-h", "dataplane prepares a machine")]
    [InlineData("help", "dataplane prepares a machine")]
    [InlineData("devbind --help", "dataplane devbind: ")]
    [InlineData("devbind -h", "dataplane devbind: ")]
    [InlineData("help devbind", "dataplane devbind: ")]
    [InlineData("hugepages --help", "dataplane hugepages: ")]
    [InlineData("--version", "dataplane 0.")]
    public void Help_and_version_are_answers(string arguments, string start)
    {
        CommandRun run = CommandRun.Of(_machine.Files, arguments);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.StartsWith(start, run.Output);
        Assert.EndsWith("\n", run.Output);
    }

    [Fact]
    public void Help_has_every_option_of_a_command_and_lines_that_fit()
    {
        foreach ((string verb, Type options) in new[] { ("devbind", typeof(DevbindOptions)), ("hugepages", typeof(HugepagesOptions)) })
        {
            string help = HelpTexts.Of(verb);
            foreach (OptionAttribute option in options.GetProperties().SelectMany(p => p.GetCustomAttributes(false)).OfType<OptionAttribute>())
                Assert.Contains(option.ShortName.Length > 0 ? $"  -{option.ShortName}, --{option.LongName} " : $"      --{option.LongName} ", help);
            Assert.All(help.Split('\n'), line => Assert.InRange(line.Length, 0, 120));
        }
    }

    public void Dispose() => _machine.Dispose();
}
