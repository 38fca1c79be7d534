using Dataplane.Virtio;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>A buffer that a device was given.</summary>
internal sealed record DeviceBuffer(ushort Id, int Descriptors, IReadOnlyList<DevicePiece> Pieces)
{
    public byte[] Read() => [.. Pieces.Where(piece => !piece.IsWritable).SelectMany(piece => piece.Read())];

    public int WritableLength => Pieces.Where(piece => piece.IsWritable).Sum(piece => piece.Length);

    public void Write(ReadOnlySpan<byte> data)
    {
        foreach (DevicePiece piece in Pieces.Where(piece => piece.IsWritable))
        {
            int length = Math.Min(piece.Length, data.Length);
            data[..length].CopyTo(piece.Span);
            data = data[length..];
        }

        Assert.True(data.IsEmpty);
    }
}

/// <summary>A piece of it; addresses are ours.</summary>
internal sealed unsafe record DevicePiece(nint Address, int Length, bool IsWritable)
{
    public Span<byte> Span => new((void*)Address, Length);

    public byte[] Read() => Span.ToArray();
}

/// <summary>The device's half of a virtqueue, written from the specification for clarity: what drivers are tested with.</summary>
internal abstract unsafe class TestDevice(VirtqueueAddresses addresses, int size, VirtioFeatures features)
{
    public int Size => size;

    protected byte* Descriptors { get; } = (byte*)addresses.Descriptors;

    protected byte* Driver { get; } = (byte*)addresses.Driver;

    protected byte* Device { get; } = (byte*)addresses.Device;

    protected bool HasEventIndex { get; } = (features & VirtioFeatures.RingEventIdx) != 0;

    public static TestDevice Create(VirtqueueAddresses addresses, int size, VirtioFeatures features) =>
        (features & VirtioFeatures.RingPacked) != 0
            ? new PackedTestDevice(addresses, size, features)
            : new SplitTestDevice(addresses, size, features);

    /// <summary>Takes the next available buffer; null if there is none.</summary>
    public abstract DeviceBuffer? Take();

    /// <summary>Gives a buffer back.</summary>
    public abstract void Use(DeviceBuffer buffer, int written);

    /// <summary>Gives buffers back that follow each other, and names the last one alone (VIRTIO_F_IN_ORDER).</summary>
    public abstract void UseBatch(IReadOnlyList<DeviceBuffer> batch, int written);

    /// <summary>Asks to be notified of the next buffer that becomes available; buffers that are there are to be taken behind it.</summary>
    public abstract void RequestNotification();

    /// <summary>Asks not to be notified.</summary>
    public abstract void SuppressNotifications();

    /// <summary>Whether the driver wants an interrupt for what was used since the last call.</summary>
    public abstract bool WantsInterrupt();

    /// <summary>What lies in the device's area: what a hostile device can fill with anything, but for the packed ring's descriptors.</summary>
    public abstract Span<byte> WritableRing { get; }
}

internal sealed unsafe class SplitTestDevice(VirtqueueAddresses addresses, int size, VirtioFeatures features)
    : TestDevice(addresses, size, features)
{
    private ushort _seen;
    private ushort _usedAtLastInterrupt;

    public override Span<byte> WritableRing => new(Device, 4 + (Size * 8) + 2);

    private ref ushort AvailableIndex => ref *(ushort*)(Driver + 2);

    private ref ushort UsedIndex => ref *(ushort*)(Device + 2);

    private ref ushort AvailableEvent => ref *(ushort*)(Device + 4 + (Size * 8));

    private ref ushort UsedEvent => ref *(ushort*)(Driver + 4 + (Size * 2));

    public override DeviceBuffer? Take()
    {
        if (Volatile.Read(ref AvailableIndex) == _seen)
            return null;
        ushort id = *(ushort*)(Driver + 4 + (_seen % Size * 2));
        _seen++;
        var pieces = new List<DevicePiece>();
        int descriptors = Follow((SplitDescriptor*)Descriptors, id, pieces);
        return new DeviceBuffer(id, descriptors, pieces);
    }

    public override void Use(DeviceBuffer buffer, int written) => UseBatch([buffer], written);

    public override void UseBatch(IReadOnlyList<DeviceBuffer> batch, int written)
    {
        ushort index = UsedIndex;
        var element = (UsedElement*)(Device + 4 + (index % Size * 8));
        element->Id = batch[^1].Id;
        element->Written = (uint)written;
        Volatile.Write(ref UsedIndex, (ushort)(index + batch.Count));
    }

    public override void RequestNotification()
    {
        if (HasEventIndex)
            Volatile.Write(ref AvailableEvent, _seen);
        else
            Volatile.Write(ref *(ushort*)Device, (ushort)0);
        Interlocked.MemoryBarrier();
    }

    public override void SuppressNotifications()
    {
        if (!HasEventIndex)
            Volatile.Write(ref *(ushort*)Device, UsedRing.NoNotify);
    }

    public override bool WantsInterrupt()
    {
        Interlocked.MemoryBarrier();
        ushort before = _usedAtLastInterrupt;
        _usedAtLastInterrupt = UsedIndex;
        if (HasEventIndex)
            return (ushort)(UsedIndex - Volatile.Read(ref UsedEvent) - 1) < (ushort)(UsedIndex - before);
        return UsedIndex != before && (Volatile.Read(ref *(ushort*)Driver) & AvailableRing.NoInterrupt) == 0;
    }

    private static int Follow(SplitDescriptor* table, int index, List<DevicePiece> pieces)
    {
        for (int count = 1; ; count++)
        {
            SplitDescriptor descriptor = table[index];
            if ((descriptor.Flags & DescriptorFlags.Indirect) != 0)
                Follow((SplitDescriptor*)descriptor.Address, 0, pieces);
            else
                pieces.Add(new DevicePiece((nint)descriptor.Address, (int)descriptor.BufferLength, (descriptor.Flags & DescriptorFlags.Write) != 0));
            if ((descriptor.Flags & DescriptorFlags.Next) == 0)
                return count;
            index = descriptor.Next;
        }
    }
}

internal sealed unsafe class PackedTestDevice(VirtqueueAddresses addresses, int size, VirtioFeatures features)
    : TestDevice(addresses, size, features)
{
    private int _next;
    private bool _wrap = true;
    private int _nextUsed;
    private bool _usedWrap = true;
    private int _usedSinceInterrupt;

    public override Span<byte> WritableRing => new(Descriptors, Size * PackedDescriptor.Length);

    public override DeviceBuffer? Take()
    {
        var ring = (PackedDescriptor*)Descriptors;
        ulong first = Volatile.Read(ref PackedDescriptor.Rest(ring + _next));
        var flags = (DescriptorFlags)(first >> 48);
        bool isAvailable = (flags & DescriptorFlags.Available) != 0 == _wrap && (flags & DescriptorFlags.Used) != 0 != _wrap;
        if (!isAvailable)
            return null;
        var pieces = new List<DevicePiece>();
        for (int count = 1; ; count++)
        {
            PackedDescriptor descriptor = ring[_next];
            Advance(ref _next, ref _wrap, 1);
            if ((descriptor.Flags & DescriptorFlags.Indirect) != 0)
            {
                var table = (PackedDescriptor*)descriptor.Address;
                for (int i = 0; i < descriptor.BufferLength / PackedDescriptor.Length; i++)
                    pieces.Add(PieceOf(table[i]));
            }
            else
                pieces.Add(PieceOf(descriptor));
            if ((descriptor.Flags & DescriptorFlags.Next) == 0)
                return new DeviceBuffer(descriptor.Id, count, pieces);
        }
    }

    public override void Use(DeviceBuffer buffer, int written) => UseBatch([buffer], written);

    public override void UseBatch(IReadOnlyList<DeviceBuffer> batch, int written)
    {
        PackedDescriptor* descriptor = (PackedDescriptor*)Descriptors + _nextUsed;
        DescriptorFlags flags = _usedWrap ? DescriptorFlags.Available | DescriptorFlags.Used : DescriptorFlags.None;
        Volatile.Write(ref PackedDescriptor.Rest(descriptor), PackedDescriptor.RestOf((uint)written, batch[^1].Id, flags));
        int descriptors = batch.Sum(buffer => buffer.Descriptors);
        Advance(ref _nextUsed, ref _usedWrap, descriptors);
        _usedSinceInterrupt += descriptors;
    }

    public override void RequestNotification()
    {
        uint position = (uint)_next | (_wrap ? EventSuppression.WrapBit : 0u);
        uint when = HasEventIndex ? EventSuppression.AtDescriptor : EventSuppression.Enable;
        Volatile.Write(ref *(uint*)Device, position | (when << 16));
        Interlocked.MemoryBarrier();
    }

    public override void SuppressNotifications() => Volatile.Write(ref *(uint*)Device, (uint)EventSuppression.Disable << 16);

    public override bool WantsInterrupt()
    {
        Interlocked.MemoryBarrier();
        int used = _usedSinceInterrupt;
        _usedSinceInterrupt = 0;
        uint wanted = Volatile.Read(ref *(uint*)Driver);
        switch (wanted >> 16)
        {
            case EventSuppression.Enable:
                return used != 0;
            case EventSuppression.Disable:
                return false;
            default:
                int position = (int)(wanted & 0x7FFF);
                bool isThisRound = (wanted & EventSuppression.WrapBit) != 0 == _usedWrap;
                int behind = (isThisRound ? _nextUsed : _nextUsed + Size) - position;
                return behind > 0 && behind <= used;
        }
    }

    private static DevicePiece PieceOf(PackedDescriptor descriptor) =>
        new((nint)descriptor.Address, (int)descriptor.BufferLength, (descriptor.Flags & DescriptorFlags.Write) != 0);

    private void Advance(ref int at, ref bool wrap, int count)
    {
        at += count;
        if (at < Size)
            return;
        at -= Size;
        wrap = !wrap;
    }
}
