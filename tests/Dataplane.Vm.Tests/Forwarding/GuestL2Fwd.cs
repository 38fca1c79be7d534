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
        l2fwd.Command.WaitFor(() => MainLoopLine().Count(l2fwd.Command.Errors) == 2, "two ports being forwarded");
        return l2fwd;
    }

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

    [GeneratedRegex(" -- lcoreid=[0-9]+ portid=[0-9]+$", RegexOptions.Multiline)]
    private static partial Regex MainLoopLine();
}
