using Dataplane.Linux;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Tests.Vhost;

/// <summary>A ring of a <see cref="FrontEnd"/> and the buffers that belong to it: slots of 16 KiB, by token.</summary>
internal abstract unsafe class FrontEndRing(FrontEnd owner, int index, int size) : IDisposable
{
    /// <summary>Bytes of a slot, of which there are 64 per ring.</summary>
    public const int SlotLength = 16 << 10;

    private const int Slots = 64, RingRoom = 256 << 10;

    private int _lastSlot;

    public int Index => index;

    public int Size => size;

    public uint Base { get; set; }

    public EventFd Kick { get; } = new();

    public EventFd Call { get; } = new();

    public int HeaderLength => (owner.Features & (VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf)) != 0 ? 12 : 10;

    public abstract VhostUserVringAddress Addresses { get; }

    protected FrontEnd Owner => owner;

    /// <summary>Where the areas of the ring are.</summary>
    public byte* RingMemory => owner.Memory + (index * (RingRoom + (Slots * SlotLength)));

    public static FrontEndRing Create(FrontEnd owner, int index, int size) => (owner.Features & VirtioFeatures.RingPacked) != 0
        ? new FrontEndRing<PackedDriverRing>(owner, index, size)
        : new FrontEndRing<SplitDriverRing>(owner, index, size);

    public byte* Slot(int token) => RingMemory + RingRoom + ((token - 1) * SlotLength);

    /// <summary>Makes a frame available, with a header before it.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="pieces">Descriptors; the header has one of its own if there are several.</param>
    /// <param name="isIndirect">Whether they are in a table.</param>
    /// <param name="header">Other than empty.</param>
    /// <returns>Its token.</returns>
    public int Send(ReadOnlySpan<byte> frame, int pieces = 1, bool isIndirect = false, VirtioNetHeader header = default)
    {
        int token = NextSlot();
        byte* slot = Slot(token);
        new ReadOnlySpan<byte>(&header, HeaderLength).CopyTo(new Span<byte>(slot, HeaderLength));
        frame.CopyTo(new Span<byte>(slot + HeaderLength, SlotLength));
        var all = new List<BufferPiece>();
        int start = 0;
        int end = HeaderLength + frame.Length;
        for (int i = 0; i < pieces; i++)
        {
            int next = i == pieces - 1 ? end : i == 0 ? HeaderLength : start + ((end - start) / (pieces - i));
            all.Add(new BufferPiece(owner.GuestOf(slot + start), (uint)(next - start)));
            start = next;
        }

        Add(token, isIndirect, isWritable: false, [.. all]);
        return token;
    }

    /// <summary>Makes buffers available to receive into.</summary>
    public void Post(int count, int length = SlotLength, int pieces = 1)
    {
        for (int i = 0; i < count; i++)
        {
            int token = NextSlot();
            new Span<byte>(Slot(token), SlotLength).Fill(0xEE);
            int part = length / pieces;
            Add(token, false, isWritable: true, [.. Enumerable.Range(0, pieces).Select(
                piece => new BufferPiece(owner.GuestOf(Slot(token) + (piece * part)), (uint)part))]);
        }
    }

    /// <summary>Frames that were received, and the header of the last one.</summary>
    public IReadOnlyList<byte[]> Receive(out VirtioNetHeader header)
    {
        var frames = new List<byte[]>();
        header = default;
        IReadOnlyList<UsedBuffer> used = TakeUsed();
        for (int i = 0; i < used.Count;)
        {
            header = *(VirtioNetHeader*)Slot((int)used[i].Token);
            int buffers = HeaderLength == 12 ? header.NumBuffers : 1;
            var frame = new List<byte>();
            for (int j = 0; j < buffers; j++, i++)
            {
                int skip = j == 0 ? HeaderLength : 0;
                frame.AddRange(new ReadOnlySpan<byte>(Slot((int)used[i].Token) + skip, (int)used[i].Written - skip));
            }

            frames.Add([.. frame]);
        }

        return frames;
    }

    public IReadOnlyList<byte[]> Receive() => Receive(out _);

    public abstract void Add(nint token, bool isIndirect, bool isWritable, BufferPiece[] pieces);

    /// <summary>What came back. What the back end said wrong fails the test.</summary>
    public abstract IReadOnlyList<UsedBuffer> TakeUsed();

    public abstract bool TryRequestInterrupt();

    /// <summary>Forgets everything and starts anew.</summary>
    public abstract void Reset();

    public virtual void Dispose()
    {
        Kick.Dispose();
        Call.Dispose();
    }

    private int NextSlot() => 1 + (_lastSlot++ % Slots);
}

/// <inheritdoc/>
internal sealed unsafe class FrontEndRing<TRing> : FrontEndRing
    where TRing : struct, IDriverRing<TRing>
{
    private const int TableRoom = 1024;

    private readonly VirtqueueLayout _layout;
    private readonly DriverSlots _slots;
    private TRing _ring;

    public FrontEndRing(FrontEnd owner, int index, int size)
        : base(owner, index, size)
    {
        _layout = TRing.Layout(size);
        _slots = new DriverSlots(size);
        Reset();
    }

    public override VhostUserVringAddress Addresses => new()
    {
        Index = (uint)Index,
        Descriptor = (ulong)RingMemory,
        Available = (ulong)(RingMemory + _layout.DriverOffset),
        Used = (ulong)(RingMemory + _layout.DeviceOffset),
    };

    public override void Reset()
    {
        _slots.Clear();
        _ring = TRing.Create(RingMemory, _layout, _slots, Owner.Features);
        Base = typeof(TRing) == typeof(PackedDriverRing) ? EventSuppression.WrapBit : 0u;
    }

    public override void Add(nint token, bool isIndirect, bool isWritable, BufferPiece[] pieces)
    {
        byte* table = RingMemory + _layout.Length + (_ring.NextId * TableRoom);
        if (isIndirect)
            _ring.AddIndirect(token, table, Owner.GuestOf(table), pieces);
        else
            _ring.AddChain(token, isWritable ? [] : pieces, isWritable ? pieces : []);
        if (_ring.Publish())
            Kick.Signal();
    }

    public override IReadOnlyList<UsedBuffer> TakeUsed()
    {
        UsedBuffer* used = stackalloc UsedBuffer[256];
        ulong violations = 0;
        int count = _ring.TakeUsed(used, 256, ref violations);
        Assert.Equal(0u, violations);
        return [.. new ReadOnlySpan<UsedBuffer>(used, count)];
    }

    public override bool TryRequestInterrupt() => _ring.TryRequestInterrupt();

    public override void Dispose()
    {
        base.Dispose();
        _slots.Dispose();
    }
}
