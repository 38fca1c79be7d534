using System.Runtime.InteropServices;

namespace Dataplane.Memory;

/// <summary>Zeroed unmanaged memory at a multiple of two cache lines, for what lcores share but no device reaches.</summary>
internal sealed unsafe class AlignedMemory : SafeHandle
{
    /// <summary>What two cores write stands this many bytes apart: Arm servers and Intel's prefetch lines in pairs.</summary>
    public const int Alignment = 128;

    public AlignedMemory(nuint length)
        : base(0, ownsHandle: true)
    {
        void* memory = NativeMemory.AlignedAlloc(length, Alignment);
        NativeMemory.Clear(memory, length);
        SetHandle((nint)memory);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Where the memory starts; whoever uses it keeps this object alive.</summary>
    public byte* Address => (byte*)handle;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
