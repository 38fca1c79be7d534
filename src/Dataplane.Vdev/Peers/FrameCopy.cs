using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dataplane.Vdev.Peers;

/// <summary>Copies frames, and brings what will be copied into the caches.</summary>
internal static unsafe class FrameCopy
{
    /// <summary>What <see cref="Short"/> is made for, in bytes.</summary>
    public const int ShortLength = 256;

    /// <summary>Copies at least 8 bytes; a frame has 14. Faster than a call for short ones; the two do not overlap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Short(byte* source, byte* destination, uint length)
    {
        if (length >= 32)
        {
            uint last = length - 32;
            for (uint i = 0; i < last; i += 32)
                Vector256.Store(Vector256.Load(source + i), destination + i);
            Vector256.Store(Vector256.Load(source + last), destination + last);
        }
        else if (length >= 16)
        {
            Vector128<byte> head = Vector128.Load(source);
            Vector128<byte> tail = Vector128.Load(source + length - 16);
            Vector128.Store(head, destination);
            Vector128.Store(tail, destination + length - 16);
        }
        else
        {
            ulong head = *(ulong*)source;
            ulong tail = *(ulong*)(source + length - 8);
            *(ulong*)destination = head;
            *(ulong*)(destination + length - 8) = tail;
        }
    }

    /// <summary>Copies any frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Any(byte* source, byte* destination, uint length)
    {
        if (length - 8 <= ShortLength - 8)
            Short(source, destination, length);
        else
            Unsafe.CopyBlockUnaligned(destination, source, length);
    }

    /// <summary>Asks for a cache line that is read soon. On Arm .NET has no such instruction, and the CPU guesses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }
}
