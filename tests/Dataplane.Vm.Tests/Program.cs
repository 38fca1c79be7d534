using CommandLine;
using Dataplane.Vm.Tests;

// The tests' guests, by hand: tests/vm/run.
using var parser = new Parser(settings =>
{
    settings.EnableDashDash = true;
    settings.HelpWriter = Console.Error;
});
return parser.ParseArguments<RunCommand>(args).MapResult(
    command => command.Run(),
    errors => errors.IsHelp() || errors.IsVersion() ? 0 : 1);
