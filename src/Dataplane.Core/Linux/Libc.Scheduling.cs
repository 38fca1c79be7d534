using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary>Threads and the CPUs they may run on: sched_setaffinity(2), gettid(2).</summary>
internal static unsafe partial class Libc
{
    /// <param name="tid">A thread's id; 0 is the calling thread.</param>
    /// <param name="size">Bytes of the mask.</param>
    /// <param name="mask">Bit n of the array of unsigned longs is CPU n.</param>
    [LibraryImport(Library, EntryPoint = "sched_setaffinity", SetLastError = true)]
    public static partial int SchedSetAffinity(int tid, nuint size, nuint* mask);

    /// <inheritdoc cref="SchedSetAffinity"/>
    /// <remarks>EINVAL if the mask is smaller than the kernel's.</remarks>
    [LibraryImport(Library, EntryPoint = "sched_getaffinity", SetLastError = true)]
    public static partial int SchedGetAffinity(int tid, nuint size, nuint* mask);

    [LibraryImport(Library, EntryPoint = "gettid")]
    public static partial int GetTid();
}
