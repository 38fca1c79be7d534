using System.Runtime.InteropServices;
using Dataplane.Linux;

namespace Dataplane;

/// <summary>What a dataplane program needs of signals beyond <see cref="PosixSignalRegistration"/>.</summary>
public static class ProcessSignals
{
    /// <summary>
    /// Lets SIGINT and SIGTERM reach the process even if its parent had them ignored, as a shell does for SIGINT with what
    /// a script starts in the background. .NET leaves an ignored SIGINT ignored; C programs that install a handler, such as
    /// DPDK's, do not. Call it before the first <see cref="PosixSignalRegistration"/> and before anything uses the terminal.
    /// </summary>
    public static void StopIgnoring()
    {
        Libc.Signal(Libc.SIGINT, Libc.SIG_DFL);
        Libc.Signal(Libc.SIGTERM, Libc.SIG_DFL);
    }
}
