using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <content>bpf(2), which the C library does not wrap.</content>
internal static unsafe partial class Libc
{
    [KernelConstant("asm/unistd.h", Name = "__NR_bpf", On = KernelArchitectures.X64)]
    private const int BpfOnX64 = 321;

    [KernelConstant("asm/unistd.h", Name = "__NR_bpf", On = KernelArchitectures.Arm64)]
    private const int BpfOnArm64 = 280;

    /// <summary>Does a command; what it returns is 0 or a new file descriptor, or -1.</summary>
    public static int BpfCall(int command, BpfAttr* argument) =>
        (int)BpfSyscall(IsArm64 ? BpfOnArm64 : BpfOnX64, command, argument, (uint)sizeof(BpfAttr));

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint BpfSyscall(nint number, nint command, BpfAttr* argument, nuint size);
}
