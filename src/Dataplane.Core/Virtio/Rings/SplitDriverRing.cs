using System.Runtime.CompilerServices;

namespace Dataplane.Virtio;

/// <summary>The driver's half of a split virtqueue (virtio 1.2, section 2.7).</summary>
/// <remarks>
/// Barriers, and why (x86-64 | Arm; a device with VIRTIO_F_ORDER_PLATFORM: <see cref="IoBarrier"/> in addition):
/// <code>
/// descriptors, ring entries written -> available index  release: the device must not see the index first       (mov | stlr)   2.7.13.1, 2.7.13.3
/// available index written -> flags or avail_event read  full: or each side believes the other will act         (lock or | dmb ish)   2.7.13.4
/// used index read -> elements, buffers read             acquire: neither may be read before the index says so  (mov | ldar)   2.7.14
/// interrupts asked for -> used index read               full: or a buffer used in between wakes nobody         (lock or | dmb ish)   2.7.14
/// </code>
/// A buffer that is taken back is read by the caller before it is added again: the release orders that too.
/// </remarks>
internal unsafe struct SplitDriverRing : IDriverRing<SplitDriverRing>
{
    private readonly SplitDescriptor* _descriptors;
    private readonly AvailableRing* _available;
    private readonly UsedRing* _used;
    private readonly DriverSlot* _slots;
    private readonly ushort* _freeIds;
    private readonly uint _mask;
    private readonly RingBarriers _barriers;
    private readonly bool _hasEventIndex;
    private readonly bool _isInOrder;

    // Ids taken from and given back to the ring of free ones.
    private uint _taken;
    private uint _returned;

    // Free-running, as the indices in the ring are.
    private ushort _availableIndex;
    private ushort _publishedIndex;
    private ushort _usedIndex;

    // The device's used index when it was last read: it is read again when it promises less than is wanted.
    private ushort _seenIndex;

    private InOrderBatch _batch;

    private SplitDriverRing(byte* memory, VirtqueueLayout layout, DriverSlots slots, VirtioFeatures features)
    {
        _descriptors = (SplitDescriptor*)memory;
        _available = (AvailableRing*)(memory + layout.DriverOffset);
        _used = (UsedRing*)(memory + layout.DeviceOffset);
        _slots = slots.Slots;
        _freeIds = slots.FreeIds;
        _mask = (uint)layout.Size - 1;
        _barriers = new RingBarriers((features & VirtioFeatures.OrderPlatform) != 0);
        _hasEventIndex = (features & VirtioFeatures.RingEventIdx) != 0;
        _isInOrder = (features & VirtioFeatures.InOrder) != 0;
    }

    /// <inheritdoc/>
    public static VirtqueueLayout Layout(int size) => VirtqueueLayout.Split(size);

    /// <inheritdoc/>
    public static SplitDriverRing Create(byte* memory, VirtqueueLayout layout, DriverSlots slots, VirtioFeatures features)
    {
        new Span<byte>(memory, layout.Length).Clear();
        slots.Clear();
        var ring = new SplitDriverRing(memory, layout, slots, features);
        ring.SuppressInterrupts();
        return ring;
    }

    /// <inheritdoc/>
    public readonly int Free
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (int)(_mask + 1 - (_taken - _returned));
    }

    /// <inheritdoc/>
    public readonly int InFlight => (ushort)(_availableIndex - _usedIndex);

    /// <inheritdoc/>
    public readonly ushort NextId => _freeIds[_taken & _mask];

    /// <inheritdoc/>
    public readonly ushort Position => _availableIndex;

    private readonly ushort* UsedEvent => Entries(_available) + _mask + 1;

    private readonly ushort* AvailableEvent => (ushort*)(Elements(_used) + _mask + 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(nint token, ulong address, uint length, DescriptorFlags flags)
    {
        ushort id = TakeId();
        Write(id, address, length, flags, next: 0);
        Offer(token, id, count: 1);
    }

    /// <inheritdoc/>
    public void AddChain(nint token, ReadOnlySpan<BufferPiece> readable, ReadOnlySpan<BufferPiece> writable)
    {
        int count = readable.Length + writable.Length;
        ushort head = NextId;
        for (int i = 0; i < count; i++)
        {
            bool isReadable = i < readable.Length;
            BufferPiece piece = isReadable ? readable[i] : writable[i - readable.Length];
            DescriptorFlags flags = isReadable ? DescriptorFlags.None : DescriptorFlags.Write;
            ushort id = TakeId();
            bool isLast = i == count - 1;
            ushort next = isLast ? (ushort)0 : NextId;
            Write(id, piece.Address, piece.Length, isLast ? flags : flags | DescriptorFlags.Next, next);
            _slots[id].Next = next;
        }

        Offer(token, head, (ushort)count);
    }

    /// <inheritdoc/>
    public void AddIndirect(nint token, byte* table, ulong tableAddress, ReadOnlySpan<BufferPiece> pieces)
    {
        // Section 2.7.5.3: entries are chained by their index in the table.
        var entries = (SplitDescriptor*)table;
        for (int i = 0; i < pieces.Length; i++)
        {
            bool isLast = i == pieces.Length - 1;
            entries[i] = new SplitDescriptor
            {
                Address = pieces[i].Address,
                BufferLength = pieces[i].Length,
                Flags = isLast ? DescriptorFlags.None : DescriptorFlags.Next,
                Next = isLast ? (ushort)0 : (ushort)(i + 1),
            };
        }

        Add(token, tableAddress, (uint)(pieces.Length * SplitDescriptor.Length), DescriptorFlags.Indirect);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Publish()
    {
        ushort before = _publishedIndex;
        _publishedIndex = _availableIndex;
        _barriers.Release(ref _available->Index, _availableIndex);
        _barriers.Full();
        if (!_hasEventIndex)
            return (Volatile.Read(ref _used->Flags) & UsedRing.NoNotify) == 0;

        // Section 2.7.10: whether the event lies among what was just published.
        ushort eventIndex = Volatile.Read(ref *AvailableEvent);
        return (ushort)(_availableIndex - eventIndex - 1) < (ushort)(_availableIndex - before);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int TakeUsed(UsedBuffer* into, int most, ref ulong violations)
    {
        int ready = (ushort)(_seenIndex - _usedIndex);
        if (ready < most)
        {
            _seenIndex = _barriers.Acquire(ref _used->Index);
            ready = (ushort)(_seenIndex - _usedIndex);
        }

        return ready == 0 ? 0 : TakeUsed(into, most, ready, ref violations);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int TakeUsed(UsedBuffer* into, int most, int ready, ref ulong violations)
    {
        if (ready > InFlight)
        {
            // More than it was given: what is above that is no answer to anything.
            violations++;
            ready = InFlight;
        }

        ready = Math.Min(ready, most);
        if (_isInOrder)
            return TakeInOrder(into, ready, ref violations);
        UsedElement* elements = Elements(_used);
        DriverSlot* slots = _slots;
        uint mask = _mask;
        uint index = _usedIndex;
        int taken = 0;
        for (int i = 0; i < ready; i++)
        {
            ulong element = Volatile.Read(ref *(ulong*)(elements + (index++ & mask)));
            uint id = (uint)element;
            if (id > mask || slots[id].Count == 0)
            {
                violations++;
                continue;
            }

            into[taken++] = new UsedBuffer(slots[id].Token, (uint)(element >> 32));
            GiveBack((ushort)id);
        }

        _usedIndex = (ushort)index;
        return taken;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int TakeInOrder(UsedBuffer* into, int count, ref ulong violations)
    {
        UsedElement* elements = Elements(_used);
        DriverSlot* slots = _slots;
        uint mask = _mask;
        for (int i = 0; i < count; i++)
        {
            uint oldest = _returned & mask;
            if (!_batch.IsOpen)
            {
                ulong element = Volatile.Read(ref *(ulong*)(elements + (_usedIndex & mask)));
                uint id = (uint)element;
                if (id > mask || slots[id].Count == 0)
                {
                    // Whatever it meant, it is done with one buffer.
                    violations++;
                    id = oldest;
                }

                _batch.Begin(id, (uint)(element >> 32));
            }

            into[i] = _batch.Take(oldest, slots[oldest].Token);
            _returned += slots[oldest].Count;
            slots[oldest].Count = 0;
            _usedIndex++;
        }

        return count;
    }

    /// <inheritdoc/>
    public readonly bool TryRequestInterrupt()
    {
        if (_hasEventIndex)
            Volatile.Write(ref *UsedEvent, _usedIndex);
        else
            Volatile.Write(ref _available->Flags, (ushort)0);
        _barriers.Full();
        return Volatile.Read(ref _used->Index) == _usedIndex;
    }

    /// <inheritdoc/>
    public readonly void SuppressInterrupts()
    {
        // With an event index the flag must stay 0 (section 2.7.7.1); an event that has passed comes again once in 65536.
        if (_hasEventIndex)
            Volatile.Write(ref *UsedEvent, (ushort)(_usedIndex - 1));
        else
            Volatile.Write(ref _available->Flags, AvailableRing.NoInterrupt);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ushort TakeId() => _freeIds[_taken++ & _mask];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void GiveBack(ushort id)
    {
        DriverSlot* slot = _slots + id;
        int count = slot->Count;
        slot->Count = 0;
        _freeIds[_returned++ & _mask] = id;
        for (; count > 1; count--)
        {
            id = _slots[id].Next;
            _freeIds[_returned++ & _mask] = id;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Write(ushort id, ulong address, uint length, DescriptorFlags flags, ushort next)
    {
        SplitDescriptor* descriptor = _descriptors + id;
        descriptor->Address = address;
        *(ulong*)&descriptor->BufferLength = length | ((ulong)flags << 32) | ((ulong)next << 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Offer(nint token, ushort id, ushort count)
    {
        _slots[id].Token = token;
        _slots[id].Count = count;
        ushort* entry = Entries(_available) + (_availableIndex++ & _mask);

        // With a device that works in order the entry is what it was a round ago: then its line stays shared with the device.
        if (*entry != id)
            *entry = id;
    }

    private static ushort* Entries(AvailableRing* ring) => (ushort*)(ring + 1);

    private static UsedElement* Elements(UsedRing* ring) => (UsedElement*)(ring + 1);
}
