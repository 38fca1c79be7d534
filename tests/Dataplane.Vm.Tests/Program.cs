using CommandLine;
using Dataplane.Vm.Tests;
using Dataplane.Vm.Tests.Comparison;

// The tests' guests, by hand: tests/vm/run and bench/versus-guest/run.
using var parser = new Parser(settings =>
{
    settings.EnableDashDash = true;
    settings.HelpWriter = Console.Error;
});
return parser.ParseArguments<RunCommand, VersusCommand>(args).MapResult(
    (RunCommand command) => command.Run(),
    (VersusCommand command) => command.Run(),
    errors => errors.IsHelp() || errors.IsVersion() ? 0 : 1);
