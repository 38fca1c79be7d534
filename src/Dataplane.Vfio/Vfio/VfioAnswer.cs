using System.Runtime.InteropServices;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Vfio;

/// <summary>
/// What an ioctl of VFIO tells: a struct that starts with its size, and capabilities behind it, each at an offset from the
/// struct's start.
/// </summary>
/// <typeparam name="THead">The struct; its first field is <c>argsz</c>.</typeparam>
/// <param name="bytes">The struct and what follows.</param>
internal sealed unsafe class VfioAnswer<THead>(byte[] bytes)
    where THead : unmanaged
{
    /// <summary>The struct.</summary>
    public THead Head => Read<THead>(0);

    /// <summary>Asks, again with more room if the kernel wants it.</summary>
    /// <param name="file">Whom.</param>
    /// <param name="request">The ioctl.</param>
    /// <param name="question">What the struct says beforehand; its size is filled in.</param>
    /// <returns>Null if the kernel refuses; it says why in <see cref="Errno.Last"/>.</returns>
    public static VfioAnswer<THead>? Ask(SafeFileHandle file, uint request, THead question)
    {
        int room = sizeof(THead);
        while (true)
        {
            byte[] bytes = new byte[room];
            MemoryMarshal.Write(bytes, question);
            MemoryMarshal.Write(bytes, (uint)room);
            fixed (byte* start = bytes)
            {
                if (Libc.Ioctl(file, request, start) < 0)
                    return null;
            }

            int wanted = MemoryMarshal.Read<int>(bytes);
            if (wanted <= room)
                return new VfioAnswer<THead>(bytes);
            room = wanted;
        }
    }

    /// <summary>Where a capability starts.</summary>
    /// <param name="first">Offset of the first capability; 0 if there is none.</param>
    /// <param name="id">Which.</param>
    /// <returns>Null if it is not there.</returns>
    public int? FindCapability(uint first, ushort id)
    {
        // Offsets rise from one to the next as the kernel appends them, so that a loop cannot hide in them.
        uint before = 0;
        for (uint offset = first; offset > before; offset = Read<VfioCapabilityHeader>((int)offset).Next)
        {
            if (Read<VfioCapabilityHeader>((int)offset).Id == id)
                return (int)offset;
            before = offset;
        }

        return null;
    }

    /// <summary>Reads a struct at an offset.</summary>
    public T Read<T>(int offset)
        where T : unmanaged => MemoryMarshal.Read<T>(bytes.AsSpan(offset));

    /// <summary>Reads several structs that follow each other.</summary>
    public T[] ReadAll<T>(int offset, uint count)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(bytes.AsSpan(offset, checked((int)count * sizeof(T)))).ToArray();
}
