using System.Reflection;
using Dataplane;
using Dataplane.Eal;
using Dataplane.Vdev;
using Dataplane.Vfio;
using L2Fwd.CommandLine;
using L2Fwd.Shutdown;
using L2Fwd.Terminal;
using Microsoft.Extensions.Logging;

namespace L2Fwd;

/// <summary>The program from its command line to its exit code.</summary>
internal sealed class Application(Output output, Output errors)
{
    /// <summary>Runs until a signal comes.</summary>
    /// <param name="arguments">The command line: EAL options, <c>--</c>, the program's own.</param>
    /// <returns>The exit code: 0, or 1 where DPDK's would exit with EXIT_FAILURE.</returns>
    public int Run(IReadOnlyList<string> arguments)
    {
        try
        {
            EalCommand command = ParseEal(arguments);
            if (TryAnswer(command))
                return 0;
            Start(command);
            return 0;
        }
        catch (ExitException e)
        {
            PrintExit(e.Message, e.Remedy);
        }
        catch (DataplaneException e)
        {
            PrintExit(e.Problem, e.Remedy);
        }

        return 1;
    }

    private EalCommand ParseEal(IReadOnlyList<string> arguments)
    {
        try
        {
            return EalCommandLine.Parse(arguments);
        }
        catch (CommandLineException e)
        {
            output.Write(EalCommandLine.Help(L2FwdCommandLine.ProgramName));
            throw EalRefuses(e);
        }
    }

    /// <summary>Answers what asks for nothing but text.</summary>
    private bool TryAnswer(EalCommand command)
    {
        if (command.HelpRequested)
            output.Write($"{EalCommandLine.Help(L2FwdCommandLine.ProgramName)}\n{Usage.Text}");
        else if (command.LogLevelHelpRequested)
            output.Write(EalCommandLine.LogLevelHelp());
        return command.HelpRequested || command.LogLevelHelpRequested;
    }

    private void Start(EalCommand command)
    {
        using var loggers = new ConsoleLoggers(errors, command.Options.LogLevels);
        ILogger eal = loggers.CreateLogger("EAL");
        if (command.VersionRequested)
            eal.LogInformation("RTE Version: 'Dataplane {Version}'", Version);
        foreach (string notice in command.Notices)
            eal.LogWarning("{Notice}", notice);
        using var stop = new StopSignals(output);
        using DataplaneRuntime runtime = CreateRuntime(command.Options, loggers);
        new Forwarder(runtime, ParseOwn(command.ApplicationArguments), output, loggers.CreateLogger("L2FWD")).Run(stop);
    }

    private DataplaneRuntime CreateRuntime(EalOptions options, ConsoleLoggers loggers)
    {
        try
        {
            return DataplaneRuntime.Create(options, [.. SoftwarePorts.All, .. HardwarePorts.All], loggers);
        }
        catch (CommandLineException e)
        {
            throw EalRefuses(e);
        }
    }

    private L2FwdOptions ParseOwn(IReadOnlyList<string> arguments)
    {
        try
        {
            return L2FwdCommandLine.Parse(arguments);
        }
        catch (UsageException e)
        {
            (e.FromGetopt ? errors : output).Write(e.Message + "\n");
            output.Write(Usage.Text);
            throw new ExitException("Invalid L2FWD arguments", e.Remedy);
        }
    }

    /// <summary>EAL says what is wrong, the program exits with DPDK's words for it.</summary>
    private ExitException EalRefuses(CommandLineException e)
    {
        errors.Write($"EAL: {e.Message}\n");
        return new ExitException("Invalid EAL arguments");
    }

    /// <summary>What DPDK's rte_exit prints, and a line of ours.</summary>
    private void PrintExit(string cause, string? remedy) => errors.Write(
        $"EAL: Error - exiting with code: 1\n  Cause: {cause}\n" + (remedy is null ? "" : $"  Remedy: {remedy}\n"));

    private static string Version => typeof(DataplaneRuntime).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
}
