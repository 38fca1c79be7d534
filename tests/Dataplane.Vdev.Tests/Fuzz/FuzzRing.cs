using Dataplane.Vdev.Tests.Vhost;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>A driver's half of a virtqueue that makes buffers available without looking at what comes back, and spoils what is there.</summary>
internal abstract unsafe class FuzzRing(FrontEnd owner, FrontEndRing ring)
{
    private const int MostPerOffer = 16;


    protected int Size { get; } = ring.Size;

    protected byte* Descriptors { get; } = (byte*)ring.Addresses.Descriptor;

    protected byte* Driver { get; } = (byte*)ring.Addresses.Available;

    protected byte* Device { get; } = (byte*)ring.Addresses.Used;

    public static FuzzRing Of(FrontEnd owner, FrontEndRing ring) => (owner.Features & VirtioFeatures.RingPacked) != 0
        ? new FuzzPackedRing(owner, ring)
        : new FuzzSplitRing(owner, ring);

    /// <summary>Makes some buffers available.</summary>
    public void Offer(Random random)
    {
        for (int i = random.Next(MostPerOffer); i > 0 && HasRoom; i--)
            Add(random);
        Publish();
    }

    /// <summary>Writes anything anywhere in the ring.</summary>
    public virtual void Spoil(Random random)
    {
        byte* area = random.Next(4) switch { 0 => Driver, 1 => Device, _ => Descriptors };
        random.Mutate(new Span<byte>(area, random.Pick(4, 16, Size * SplitDescriptor.Length)));
    }

    protected abstract bool HasRoom { get; }

    protected abstract void Add(Random random);

    protected abstract void Publish();

    /// <summary>A piece of the guest's memory, as a rule.</summary>
    protected (ulong Address, uint Length, DescriptorFlags Flags) Piece(Random random)
    {
        DescriptorFlags flags = ring.Index % 2 == 0 ? DescriptorFlags.Write : DescriptorFlags.None;
        if (random.OneIn(8))
            flags |= DescriptorFlags.Next;
        if (random.OneIn(8) && flags == DescriptorFlags.None)
            return (owner.GuestOf(MakeTable(random, out uint length)), length, DescriptorFlags.Indirect);
        int most = random.Pick(20, 100, 2000, FrontEndRing.SlotLength);
        return (owner.GuestOf(ring.Slot(random.Next(1, 60))), (uint)random.Next(most), flags);
    }

    private byte* MakeTable(Random random, out uint length)
    {
        // In a slot of its own, which is as good as any.
        byte* table = ring.Slot(61);
        int entries = random.Next(1, 12);
        for (int i = 0; i < entries; i++)
        {
            ((SplitDescriptor*)table)[i] = new SplitDescriptor
            {
                Address = owner.GuestOf(ring.Slot(random.Next(1, 60))),
                BufferLength = (uint)random.Next(12, 3000),
                Flags = i + 1 < entries ? DescriptorFlags.Next : DescriptorFlags.None,
                Next = (ushort)(i + 1),
            };
        }

        length = (uint)(entries * SplitDescriptor.Length);
        if (random.OneIn(10))
            random.Mutate(new Span<byte>(table, (int)length));
        return table;
    }
}

/// <summary>virtio 1.2, section 2.7.</summary>
internal sealed unsafe class FuzzSplitRing(FrontEnd owner, FrontEndRing ring) : FuzzRing(owner, ring)
{
    private ushort _next;

    protected override bool HasRoom => (ushort)(_next - ((UsedRing*)Device)->Index) < Size;

    public override void Spoil(Random random)
    {
        if (random.OneIn(4))
            _next = (ushort)random.Odd();
        base.Spoil(random);
    }

    protected override void Add(Random random)
    {
        int head = _next % Size;
        (ulong address, uint length, DescriptorFlags flags) = Piece(random);
        ((SplitDescriptor*)Descriptors)[head] = new SplitDescriptor { Address = address, BufferLength = length, Flags = flags, Next = (ushort)random.Next(Size) };
        ((ushort*)(Driver + AvailableRing.HeaderLength))[head] = (ushort)head;
        _next++;
    }

    protected override void Publish() => Volatile.Write(ref ((AvailableRing*)Driver)->Index, _next);
}

/// <summary>virtio 1.2, section 2.8.</summary>
internal sealed unsafe class FuzzPackedRing(FrontEnd owner, FrontEndRing ring) : FuzzRing(owner, ring)
{
    private int _next;
    private bool _wrap = true;
    private bool _isFirstRound = true;

    protected override bool HasRoom
    {
        get
        {
            DescriptorFlags flags = ((PackedDescriptor*)Descriptors)[_next].Flags & (DescriptorFlags.Available | DescriptorFlags.Used);
            return _isFirstRound || flags is DescriptorFlags.None or (DescriptorFlags.Available | DescriptorFlags.Used);
        }
    }

    protected override void Add(Random random)
    {
        (ulong address, uint length, DescriptorFlags flags) = Piece(random);
        PackedDescriptor* descriptor = (PackedDescriptor*)Descriptors + _next;
        descriptor->Address = address;
        flags |= _wrap ? DescriptorFlags.Available : DescriptorFlags.Used;
        Volatile.Write(ref PackedDescriptor.Rest(descriptor), PackedDescriptor.RestOf(length, (ushort)_next, flags));
        if (++_next < Size)
            return;
        _next = 0;
        _wrap = !_wrap;
        _isFirstRound = false;
    }

    /// <summary>Each descriptor is, as soon as it is written.</summary>
    protected override void Publish()
    {
    }
}
