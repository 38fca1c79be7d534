using Dataplane.Memory;
using Dataplane.Virtio;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>A driver's ring and a device at it.</summary>
internal abstract unsafe class RingBed : IDisposable
{
    /// <summary>The device at the other end.</summary>
    public abstract TestDevice Device { get; }

    public abstract int Free { get; }

    public abstract int InFlight { get; }

    /// <summary>What the ring found wrong.</summary>
    public abstract ulong Violations { get; }

    /// <param name="memory">Where the ring goes; outlives the bed.</param>
    /// <param name="packed">Which kind of ring.</param>
    /// <param name="size">Descriptors.</param>
    /// <param name="features">What was negotiated.</param>
    public static RingBed Create(DataplaneMemory memory, bool packed, int size, VirtioFeatures features) => packed
        ? new RingBed<PackedDriverRing>(memory, size, features | VirtioFeatures.RingPacked)
        : new RingBed<SplitDriverRing>(memory, size, features);

    public abstract void Add(nint token, BufferPiece piece);

    public abstract void AddChain(nint token, ReadOnlySpan<BufferPiece> readable, ReadOnlySpan<BufferPiece> writable);

    public abstract void AddIndirect(nint token, ReadOnlySpan<BufferPiece> pieces);

    public abstract bool Publish();

    public abstract bool TryRequestInterrupt();

    public abstract void SuppressInterrupts();

    public abstract IReadOnlyList<UsedBuffer> TakeUsed(int most = int.MaxValue);

    /// <summary>Tokens of all buffers that the device has.</summary>
    public abstract IReadOnlyList<nint> TakeAll();

    public abstract void Dispose();
}

/// <inheritdoc/>
internal sealed unsafe class RingBed<TRing> : RingBed
    where TRing : struct, IDriverRing<TRing>
{
    private const int TableRoom = 8 * SplitDescriptor.Length;

    private readonly VirtqueueMemory<TRing> _memory;
    private TRing _ring;
    private ulong _violations;

    public RingBed(DataplaneMemory memory, int size, VirtioFeatures features)
    {
        _memory = new VirtqueueMemory<TRing>(
            new VirtqueueOptions { Memory = memory, Name = "ring", Size = size, Features = features }, extra: size * TableRoom);
        Start();
        Device = TestDevice.Create(_memory.Addresses, size, features);
    }

    public override TestDevice Device { get; }

    public override int Free => _ring.Free;

    public override int InFlight => _ring.InFlight;

    public override ulong Violations => _violations;

    public override void Add(nint token, BufferPiece piece) => _ring.Add(token, piece.Address, piece.Length, DescriptorFlags.None);

    public override void AddChain(nint token, ReadOnlySpan<BufferPiece> readable, ReadOnlySpan<BufferPiece> writable) =>
        _ring.AddChain(token, readable, writable);

    public override void AddIndirect(nint token, ReadOnlySpan<BufferPiece> pieces)
    {
        int offset = _ring.NextId * TableRoom;
        _ring.AddIndirect(token, _memory.Extra + offset, _memory.ExtraAddress + (uint)offset, pieces);
    }

    public override bool Publish() => _ring.Publish();

    public override bool TryRequestInterrupt() => _ring.TryRequestInterrupt();

    public override void SuppressInterrupts() => _ring.SuppressInterrupts();

    public override IReadOnlyList<UsedBuffer> TakeUsed(int most = int.MaxValue)
    {
        most = Math.Min(most, Device.Size);
        UsedBuffer* used = stackalloc UsedBuffer[most];
        int count = _ring.TakeUsed(used, most, ref _violations);
        return new ReadOnlySpan<UsedBuffer>(used, count).ToArray();
    }

    public override IReadOnlyList<nint> TakeAll() => _memory.Slots.TakeAll();

    private void Start() => _ring = _memory.CreateRing();

    public override void Dispose() => _memory.Dispose();
}
