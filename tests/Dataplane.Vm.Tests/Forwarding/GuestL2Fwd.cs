using System.Net.NetworkInformation;
using System.Text.RegularExpressions;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Forwarding;

/// <summary>The published program in a guest. Disposing kills it if it still runs.</summary>
internal sealed partial class GuestL2Fwd : IDisposable
{
    /// <summary>What a pod says, whatever its NICs are.</summary>
    public const string PodArguments = "--huge-unlink -l 0-1 -n 4 --file-prefix=container -- -p 3";

    private GuestL2Fwd(GuestCommand command) => Command = command;

    /// <summary>Its process.</summary>
    public GuestCommand Command { get; }

    /// <summary>The addresses of its ports.</summary>
    public IReadOnlyList<byte[]> MacAddresses =>
        [.. MacAddressLine().Matches(Command.Output).Select(match => PhysicalAddress.Parse(match.Groups["mac"].Value).GetAddressBytes())];

    /// <summary>Starts it; comes back when it forwards between its two ports.</summary>
    /// <param name="guest">Where.</param>
    /// <param name="arguments">Its command line.</param>
    /// <param name="prefix">A command that becomes it, if any.</param>
    public static GuestL2Fwd Start(Guest guest, string arguments = PodArguments, string prefix = "")
    {
        var l2fwd = new GuestL2Fwd(guest.Start($"exec {prefix} {GuestTools.L2Fwd} {arguments}"));
        l2fwd.Command.WaitFor(() => Forwards(l2fwd.Command), "two ports being forwarded");
        return l2fwd;
    }

    /// <summary>Whether it says that it forwards between its two ports.</summary>
    public static bool Forwards(GuestCommand command) => MainLoopLine().Count(command.Errors) == 2;

    /// <summary>How long it has waited for the links: a dot for each tenth of a second.</summary>
    public static TimeSpan LinkWait(GuestCommand command) =>
        TimeSpan.FromSeconds(LinkStatusLine().Match(command.Output).Groups["dots"].Length / 10.0);

    /// <summary>Asks it to end.</summary>
    /// <returns>Its exit code.</returns>
    public int Terminate()
    {
        Command.Signal("TERM");
        return Command.WaitForExit();
    }

    /// <summary>Ends it as the kernel does when memory is short.</summary>
    public void Kill()
    {
        Command.Signal("KILL");
        Command.WaitForExit();
    }

    public void Dispose()
    {
        if (!Command.HasExited)
            Kill();
    }

    [GeneratedRegex("^Port [0-9]+, MAC address: (?<mac>.*)$", RegexOptions.Multiline)]
    private static partial Regex MacAddressLine();

    [GeneratedRegex(@"^Checking link status(?<dots>\.*)done$", RegexOptions.Multiline)]
    private static partial Regex LinkStatusLine();

    [GeneratedRegex(" -- lcoreid=[0-9]+ portid=[0-9]+$", RegexOptions.Multiline)]
    private static partial Regex MainLoopLine();
}
