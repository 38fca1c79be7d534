using System.Runtime.CompilerServices;
using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Virtio;

/// <summary>What a queue is made of, whatever the device is reached by.</summary>
internal sealed record VirtqueueOptions
{
    /// <summary>Where ring and headers go; the device reaches all of it.</summary>
    public required DataplaneMemory Memory { get; init; }

    /// <summary>Name of the memory zone.</summary>
    public required string Name { get; init; }

    /// <summary>Memory that was set aside for the queue and stays the caller's; null: the queue allocates its own.</summary>
    public MemoryZone? Zone { get; init; }

    /// <summary>NUMA node of the memory; -1 for any.</summary>
    public int NumaNode { get; init; } = -1;

    /// <summary>Descriptors; a power of two.</summary>
    public required int Size { get; init; }

    /// <summary>What was negotiated; with <see cref="VirtioFeatures.Version1"/>.</summary>
    public required VirtioFeatures Features { get; init; }

    /// <summary>Whether the device is given virtual addresses as they are, as a peer that maps our memory is.</summary>
    public bool UsesVirtualAddresses { get; init; }

    /// <summary>The device's address of a byte of <see cref="Memory"/>.</summary>
    public unsafe ulong AddressOf(void* pointer) => UsesVirtualAddresses ? (ulong)pointer : Memory.IovaOf(pointer);
}

/// <summary>The device's address of an mbuf's buffer: one of two fields of it, chosen once per queue.</summary>
internal readonly unsafe struct BufferAddresses(VirtqueueOptions options)
{
    private readonly nint _offset = OffsetOf(options.UsesVirtualAddresses);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Of(Mbuf* mbuf) => *(ulong*)((byte*)mbuf + _offset);

    private static nint OffsetOf(bool virtualAddress)
    {
        Unsafe.SkipInit(out Mbuf mbuf);
        return (nint)((virtualAddress ? (byte*)&mbuf.Buffer : (byte*)&mbuf.BufferIova) - (byte*)&mbuf);
    }
}
