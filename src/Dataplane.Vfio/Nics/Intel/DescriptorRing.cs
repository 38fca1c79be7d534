using System.Numerics;
using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// The memory of a ring: descriptors that the device reads and writes, and beside them the packet of each. Its size is a
/// power of two, so that positions that only count up become indices by a mask.
/// </summary>
internal sealed unsafe class DescriptorRing : IDisposable
{
    /// <summary>Descriptors that are refilled or freed at a time.</summary>
    public const int Block = 32;

    /// <summary>A block with the device and one on either side of it.</summary>
    public const int MinLength = 2 * Block;

    /// <summary>As much as DPDK's Intel drivers allow; all devices can.</summary>
    public const int MaxLength = 4096;

    private readonly MemoryZone _zone;
    private readonly AlignedMemory _packets;

    /// <param name="memory">Where the descriptors lie; outlives the ring.</param>
    /// <param name="name">What it is for, in messages.</param>
    /// <param name="length">Descriptors asked for; it gets the next power of two that is allowed.</param>
    /// <param name="numaNode">NUMA node of the device; -1 for none.</param>
    /// <exception cref="DataplaneException">There is no memory.</exception>
    public DescriptorRing(DataplaneMemory memory, string name, int length, int numaNode)
    {
        Length = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(length, MinLength, MaxLength));
        _packets = new AlignedMemory((nuint)(Length * sizeof(Packet)));
        try
        {
            _zone = memory.Allocate(name, (nuint)ByteLength, numaNode, contiguous: true);
            Iova = memory.IovaOf(_zone.Address);
        }
        catch
        {
            _packets.Dispose();
            throw;
        }
    }

    /// <summary>How many descriptors.</summary>
    public int Length { get; }

    /// <summary>Bytes of all descriptors, as the device is told; a multiple of 128.</summary>
    public int ByteLength => Length * sizeof(Descriptor);

    /// <summary>The device's address of the first descriptor; aligned to 128 bytes.</summary>
    public ulong Iova { get; }

    /// <summary>The descriptors.</summary>
    public Descriptor* Descriptors => (Descriptor*)_zone.Address;

    /// <summary>A packet per descriptor; no device sees them.</summary>
    public Packet* Packets => (Packet*)_packets.Address;

    /// <summary>No descriptor is done, none has a packet.</summary>
    public void Clear()
    {
        new Span<Descriptor>(Descriptors, Length).Clear();
        new Span<Packet>(Packets, Length).Clear();
    }

    /// <summary>Gives the memory back; the device must have stopped using it.</summary>
    public void Dispose()
    {
        _zone.Dispose();
        _packets.Dispose();
    }
}
