namespace Dataplane.Memory;

/// <summary>
/// A named piece of dataplane memory, contiguous in the address space. Whoever allocated it owns it; disposing gives the
/// memory back for the next zone, after which nobody, no device either, may touch it. Disposing the
/// <see cref="DataplaneMemory"/> takes every zone's memory away.
/// </summary>
public sealed unsafe class MemoryZone : IDisposable
{
    private readonly DataplaneMemory _memory;
    private int _disposed;

    internal MemoryZone(DataplaneMemory memory, string name, byte* address, nuint length, MemorySegment segment)
    {
        _memory = memory;
        Name = name;
        Address = address;
        Length = length;
        Segment = segment;
    }

    /// <summary>What the zone is for; names need not be unique.</summary>
    public string Name { get; }

    /// <summary>The first byte.</summary>
    public byte* Address { get; }

    /// <summary>Bytes, as asked for.</summary>
    public nuint Length { get; }

    /// <summary>The segment that the whole zone is in.</summary>
    public MemorySegment Segment { get; }

    /// <summary>The zone's bytes.</summary>
    /// <exception cref="OverflowException">The zone is larger than 2 GiB, which is more than a span can be.</exception>
    public Span<byte> Span => new(Address, checked((int)Length));

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            _memory.Free(this);
    }
}
