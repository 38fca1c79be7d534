using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <content>Signals (signal(2); numbers of asm-generic/signal.h, the same on x86-64 and arm64).</content>
[KernelConstants("signal.h")]
internal static unsafe partial class Libc
{
    public const int SIGINT = 2;
    public const int SIGTERM = 15;

    /// <summary>The default action of a signal, as a handler.</summary>
    public const nint SIG_DFL = 0;

    [LibraryImport(Library, EntryPoint = "signal", SetLastError = true)]
    public static partial nint Signal(int number, nint handler);
}
