using CommandLine;
using Dataplane.DeviceModels.Tests.Startup;

// The tests' NICs, by hand: bench/nic-start/run. What is measured stays away from the parser, which it would have to load.
return args is ["first-packet", var cpuSocket, .. var eal] ? FirstPacketProgram.Run(cpuSocket, eal) : ParseAndRun(args);

static int ParseAndRun(string[] args)
{
    using var parser = new Parser(settings => settings.HelpWriter = Console.Error);
    return parser.ParseArguments<NicStartCommand>(args).MapResult(
        Run,
        errors => errors.IsHelp() || errors.IsVersion() ? 0 : 1);
}

// A failure that nobody caught would leave the hugepages set aside.
static int Run(NicStartCommand command)
{
    try
    {
        return command.Run();
    }
    catch (Exception e) when (e is InvalidOperationException or TimeoutException)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
}
