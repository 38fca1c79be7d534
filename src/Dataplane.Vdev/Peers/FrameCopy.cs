using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dataplane.Vdev.Peers;

/// <summary>Copies frames, and brings what will be copied into the caches.</summary>
internal static unsafe class FrameCopy
{
    /// <summary>What <see cref="Short"/> is made for, in bytes.</summary>
    public const int ShortLength = 256;

    /// <summary>What <see cref="Short"/> needs, in bytes: what is shorter would be written beyond both ends.</summary>
    public const int ShortestLength = 8;

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
        if (length - ShortestLength <= ShortLength - ShortestLength)
            Short(source, destination, length);
        else
            Unsafe.CopyBlockUnaligned(destination, source, length);
    }

    /// <summary>Copies any frame, and asks meanwhile for all lines of the next one and of where it will go, if it is long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Any(byte* source, byte* destination, uint length, byte* nextSource, byte* nextDestination)
    {
        if (length > ShortLength)
            Long(source, destination, length, nextSource, nextDestination);
        else
            Any(source, destination, length);
    }

    /// <summary>Copies at least 64 bytes; as many of the next frame are asked for as this one has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Long(byte* source, byte* destination, uint length, byte* nextSource, byte* nextDestination)
    {
        uint last = length - 64;
        for (uint i = 0; i < last; i += 64)
        {
            Prefetch(nextSource + i);
            Prefetch(nextDestination + i);
            Line(source + i, destination + i);
        }

        Line(source + last, destination + last);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Line(byte* source, byte* destination)
    {
        Vector256<byte> first = Vector256.Load(source);
        Vector256<byte> second = Vector256.Load(source + 32);
        Vector256.Store(first, destination);
        Vector256.Store(second, destination + 32);
    }

    /// <summary>Asks for a cache line that is read soon. On Arm .NET has no such instruction, and the CPU guesses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }
}
