using System.Runtime.CompilerServices;

namespace Dataplane.Virtio;

/// <summary>The driver's half of a packed virtqueue (virtio 1.2, section 2.8).</summary>
/// <remarks>
/// Barriers, and why (x86-64 | Arm; a device with VIRTIO_F_ORDER_PLATFORM: <see cref="IoBarrier"/> in addition):
/// <code>
/// all but the first flags written -> those written   release: they hand everything over            (mov | stlr)         2.8.21.1
/// flags written -> event suppression read            full: or each side believes the other will act (lock or | dmb ish)  2.8.21.3
/// flags read -> buffer read                          acquire: it may not be read before it is used  (mov | ldar)         2.8.22
/// interrupts asked for -> flags read                 full: or a buffer used in between wakes nobody (lock or | dmb ish)  2.8.22
/// </code>
/// Length, id and flags are one aligned word of eight bytes, written and read at once: no order among them is needed. Of
/// all that is added the first flags are written last, by Publish: before that a device, which takes buffers in the order of
/// the ring, sees none of it, and does not fetch lines that are still being written.
/// </remarks>
internal unsafe struct PackedDriverRing : IDriverRing<PackedDriverRing>
{
    private readonly PackedDescriptor* _descriptors;
    private readonly EventSuppression* _driverEvent;
    private readonly EventSuppression* _deviceEvent;
    private readonly DriverSlot* _slots;
    private readonly ushort* _freeIds;
    private readonly uint _size;
    private readonly RingBarriers _barriers;
    private readonly bool _hasEventIndex;
    private readonly bool _isInOrder;

    // Ids taken from and given back to the ring of free ones.
    private uint _taken;
    private uint _returned;

    // Descriptors that are in buffers in flight, and how many were added since the last publication.
    private uint _occupied;
    private uint _unpublished;

    // What is to be written at the first place of what was added; of no meaning while nothing is unpublished.
    private PackedDescriptor* _first;
    private ulong _firstRest;

    // Where the next buffer goes, and the bits that make it available.
    private uint _next;
    private DescriptorFlags _availableBits;

    // Where the next used buffer will be, and the wrap counter there.
    private uint _nextUsed;
    private bool _usedWrap;

    private InOrderBatch _batch;

    private PackedDriverRing(byte* memory, VirtqueueLayout layout, DriverSlots slots, VirtioFeatures features)
    {
        _descriptors = (PackedDescriptor*)memory;
        _driverEvent = (EventSuppression*)(memory + layout.DriverOffset);
        _deviceEvent = (EventSuppression*)(memory + layout.DeviceOffset);
        _slots = slots.Slots;
        _freeIds = slots.FreeIds;
        _size = (uint)layout.Size;
        _barriers = new RingBarriers((features & VirtioFeatures.OrderPlatform) != 0);
        _hasEventIndex = (features & VirtioFeatures.RingEventIdx) != 0;
        _isInOrder = (features & VirtioFeatures.InOrder) != 0;
        _availableBits = DescriptorFlags.Available;
        _usedWrap = true;
    }

    /// <inheritdoc/>
    public static VirtqueueLayout Layout(int size) => VirtqueueLayout.Packed(size);

    /// <inheritdoc/>
    public static PackedDriverRing Create(byte* memory, VirtqueueLayout layout, DriverSlots slots, VirtioFeatures features)
    {
        new Span<byte>(memory, layout.Length).Clear();
        slots.Clear();
        var ring = new PackedDriverRing(memory, layout, slots, features);
        ring.SuppressInterrupts();
        return ring;
    }

    /// <inheritdoc/>
    public readonly int Free
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (int)(_size - _occupied);
    }

    /// <inheritdoc/>
    public readonly int InFlight => (int)(_taken - _returned);

    /// <inheritdoc/>
    public readonly ushort NextId => _freeIds[_taken & (_size - 1)];

    /// <inheritdoc/>
    public readonly ushort Position => (ushort)(_next | (Wrap ? EventSuppression.WrapBit : 0u));

    private readonly bool Wrap => _availableBits == DescriptorFlags.Available;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(nint token, ulong address, uint length, DescriptorFlags flags)
    {
        PackedDescriptor* descriptor = _descriptors + _next;
        ushort id = TakeId(token, count: 1);
        descriptor->Address = address;
        Write(descriptor, PackedDescriptor.RestOf(length, id, flags | _availableBits));
        Advance();
    }

    /// <inheritdoc/>
    public void AddChain(nint token, ReadOnlySpan<BufferPiece> readable, ReadOnlySpan<BufferPiece> writable)
    {
        int count = readable.Length + writable.Length;
        ushort id = TakeId(token, (ushort)count);
        for (int i = 0; i < count; i++)
        {
            bool isReadable = i < readable.Length;
            BufferPiece piece = isReadable ? readable[i] : writable[i - readable.Length];
            DescriptorFlags flags = isReadable ? DescriptorFlags.None : DescriptorFlags.Write;
            if (i != count - 1)
                flags |= DescriptorFlags.Next;
            PackedDescriptor* descriptor = _descriptors + _next;
            descriptor->Address = piece.Address;
            Write(descriptor, PackedDescriptor.RestOf(piece.Length, id, flags | _availableBits));
            Advance();
        }
    }

    /// <inheritdoc/>
    public void AddIndirect(nint token, byte* table, ulong tableAddress, ReadOnlySpan<BufferPiece> pieces)
    {
        // Section 2.8.7: entries follow each other; of the flags only Write means anything.
        var entries = (PackedDescriptor*)table;
        for (int i = 0; i < pieces.Length; i++)
            entries[i] = new PackedDescriptor { Address = pieces[i].Address, BufferLength = pieces[i].Length };
        Add(token, tableAddress, (uint)(pieces.Length * PackedDescriptor.Length), DescriptorFlags.Indirect);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Publish()
    {
        uint added = _unpublished;
        _unpublished = 0;
        if (added != 0)
            _barriers.Release(ref PackedDescriptor.Rest(_first), _firstRest);
        _barriers.Full();
        uint wanted = Volatile.Read(ref EventSuppression.Both(_deviceEvent));
        uint when = wanted >> 16;
        return when == EventSuppression.AtDescriptor && _hasEventIndex
            ? EventSuppression.HasPassed((ushort)wanted, _next, Wrap, _size, added)
            : when != EventSuppression.Disable;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int TakeUsed(UsedBuffer* into, int most, ref ulong violations)
    {
        if (_isInOrder)
            return TakeInOrder(into, most, ref violations);
        return IsUsed(Volatile.Read(ref PackedDescriptor.Rest(_descriptors + _nextUsed)))
            ? TakeUsedFrom(into, most, ref violations) : 0;
    }

    private int TakeUsedFrom(UsedBuffer* into, int most, ref ulong violations)
    {
        int taken = 0;

        // A device that lies about ids could keep us here: no round looks at more descriptors than there are.
        for (uint looked = 0; taken < most && looked < _size && _taken != _returned; looked++)
        {
            ulong rest = _barriers.Acquire(ref PackedDescriptor.Rest(_descriptors + _nextUsed));
            if (!IsUsed(rest))
                break;
            uint id = (ushort)(rest >> 32);
            if (id >= _size || _slots[id].Count == 0)
            {
                violations++;
                Skip(1);
                continue;
            }

            DriverSlot* slot = _slots + id;
            into[taken++] = new UsedBuffer(slot->Token, (uint)rest);
            Skip(slot->Count);
            _occupied -= slot->Count;
            slot->Count = 0;
            _freeIds[_returned++ & (_size - 1)] = (ushort)id;
        }

        return taken;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int TakeInOrder(UsedBuffer* into, int most, ref ulong violations)
    {
        DriverSlot* slots = _slots;
        uint mask = _size - 1;
        int taken = 0;
        for (; taken < most && _taken != _returned; taken++)
        {
            uint oldest = _returned & mask;
            if (!_batch.IsOpen)
            {
                ulong rest = _barriers.Acquire(ref PackedDescriptor.Rest(_descriptors + _nextUsed));
                if (!IsUsed(rest))
                    break;
                uint id = (ushort)(rest >> 32);
                if (id >= _size || slots[id].Count == 0)
                {
                    // Whatever it meant, it is done with one buffer.
                    violations++;
                    id = oldest;
                }

                _batch.Begin(id, (uint)rest);
            }

            DriverSlot* slot = slots + oldest;
            into[taken] = _batch.Take(oldest, slot->Token);
            Skip(slot->Count);
            _occupied -= slot->Count;
            slot->Count = 0;
            _returned++;
        }

        return taken;
    }

    /// <inheritdoc/>
    public readonly bool TryRequestInterrupt()
    {
        uint position = _nextUsed | (_usedWrap ? EventSuppression.WrapBit : 0u);
        Volatile.Write(
            ref EventSuppression.Both(_driverEvent),
            _hasEventIndex ? position | ((uint)EventSuppression.AtDescriptor << 16) : (uint)EventSuppression.Enable << 16);
        _barriers.Full();
        return !IsUsed(Volatile.Read(ref PackedDescriptor.Rest(_descriptors + _nextUsed)));
    }

    /// <inheritdoc/>
    public readonly void SuppressInterrupts() =>
        Volatile.Write(ref EventSuppression.Both(_driverEvent), (uint)EventSuppression.Disable << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool IsUsed(ulong rest)
    {
        var flags = (DescriptorFlags)(ushort)(rest >> 48);
        bool used = (flags & DescriptorFlags.Used) != 0;
        return used == _usedWrap && used == ((flags & DescriptorFlags.Available) != 0);
    }

    /// <summary>Writes what makes a descriptor available, unless it is the first since the last publication.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write(PackedDescriptor* descriptor, ulong rest)
    {
        if (_unpublished != 0)
        {
            PackedDescriptor.Rest(descriptor) = rest;
            return;
        }

        _first = descriptor;
        _firstRest = rest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ushort TakeId(nint token, ushort count)
    {
        ushort id = _freeIds[_taken++ & (_size - 1)];
        _slots[id].Token = token;
        _slots[id].Count = count;
        _occupied += count;
        return id;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Advance()
    {
        _unpublished++;
        if (++_next != _size)
            return;
        _next = 0;
        _availableBits ^= DescriptorFlags.Available | DescriptorFlags.Used;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Skip(uint count)
    {
        _nextUsed += count;
        if (_nextUsed < _size)
            return;
        _nextUsed -= _size;
        _usedWrap = !_usedWrap;
    }
}
