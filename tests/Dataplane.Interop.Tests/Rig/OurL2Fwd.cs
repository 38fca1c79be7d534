using Dataplane.Testing.Programs;

namespace Dataplane.Interop.Tests.Rig;

/// <summary>Our l2fwd as it was built, in a process of its own.</summary>
internal static class OurL2Fwd
{
    /// <summary>The program.</summary>
    public static string Path { get; } = System.IO.Path.Join(AppContext.BaseDirectory, "l2fwd");

    /// <summary>
    /// Starts it on the first CPU; it has started its two ports when this returns, and forwards as soon as both have a peer.
    /// </summary>
    public static ConsoleProcess Start(IEnumerable<string> vdevs)
    {
        ConsoleProcess process = ConsoleProcess.Start(
        [
            Path, "-l", "0", "--no-huge", "--no-pci", .. vdevs.SelectMany(vdev => (string[])["--vdev", vdev]),
            "--", "-p", "3", "-q", "2", "-T", "1", "--stats=json",
        ]);
        try
        {
            process.WaitFor(0, 1, line => line.StartsWith("Port 1, MAC address", StringComparison.Ordinal));
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>How many file descriptors it has open.</summary>
    public static int CountDescriptors(this ConsoleProcess process) => Directory.GetFiles($"/proc/{process.Id}/fd").Length;
}
