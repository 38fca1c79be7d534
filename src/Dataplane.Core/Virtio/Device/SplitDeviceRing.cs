using System.Runtime.CompilerServices;

namespace Dataplane.Virtio;

/// <summary>The device's half of a split virtqueue (virtio 1.2, section 2.7).</summary>
/// <remarks>
/// Barriers, and why (x86-64 | Arm); the driver is another CPU, never hardware:
/// <code>
/// available index read -> ring entries, descriptors, buffers read   acquire: none may be read before the index says so  (mov | ldar)         2.7.13
/// buffer, used elements written -> used index                       release: the driver must not see the index first     (mov | stlr)         2.7.14
/// used index written -> flags or used_event read                    full: or each side believes the other will act       (lock or | dmb ish)  2.7.14
/// notification asked for -> available index read                    full: or a buffer made available in between is slept over  (lock or | dmb ish)  2.7.13.4
/// </code>
/// </remarks>
internal unsafe struct SplitDeviceRing : IDeviceRing<SplitDeviceRing>
{
    private readonly SplitDescriptor* _descriptors;
    private readonly AvailableRing* _available;
    private readonly UsedRing* _used;
    private readonly uint _mask;
    private readonly bool _hasEventIndex;
    private DevicePieces _pieces;

    // Free-running, as the indices in the ring are.
    private ushort _next;
    private ushort _usedIndex;
    private ushort _publishedIndex;

    // The driver's index when it was last read: it is read again when it promises less than is wanted.
    private ushort _seenIndex;

    private SplitDeviceRing(DeviceRingOptions options)
    {
        _descriptors = (SplitDescriptor*)options.Descriptors;
        _available = (AvailableRing*)options.Driver;
        _used = (UsedRing*)options.Device;
        _mask = (uint)options.Size - 1;
        _hasEventIndex = (options.Features & VirtioFeatures.RingEventIdx) != 0;
        _pieces = new DevicePieces(options);

        // A device that died has not said where it stood: what it had not given back is available once more.
        _next = _seenIndex = _usedIndex = _publishedIndex = Volatile.Read(ref _used->Index);
    }

    /// <inheritdoc/>
    public static SplitDeviceRing Create(DeviceRingOptions options)
    {
        var ring = new SplitDeviceRing(options);
        ring.SuppressNotifications();
        return ring;
    }

    /// <inheritdoc/>
    public readonly uint Position => _next;

    /// <inheritdoc/>
    public readonly uint UsedPosition => _usedIndex;

    /// <inheritdoc/>
    public RingViolation Violation { get; private set; }

    private readonly ushort* UsedEvent => Entries(_available) + _mask + 1;

    private readonly ushort* AvailableEvent => (ushort*)(Elements(_used) + _mask + 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Take(DeviceBuffer* into, int most, DescriptorFlags direction)
    {
        int ready = (ushort)(_seenIndex - _next);
        if (ready < most)
        {
            _seenIndex = Volatile.Read(ref _available->Index);
            ready = (ushort)(_seenIndex - _next);
        }

        return ready == 0 ? 0 : Take(into, Math.Min(ready, most), ready, direction);
    }

    /// <inheritdoc/>
    public void Untake(DeviceBuffer* buffers, int count) => _next -= (ushort)count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(uint token, uint written) =>
        *(ulong*)(Elements(_used) + (_usedIndex++ & _mask)) = token | ((ulong)written << 32);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Publish()
    {
        ushort before = _publishedIndex;
        if (before == _usedIndex)
            return false;
        _publishedIndex = _usedIndex;
        Volatile.Write(ref _used->Index, _usedIndex);
        Interlocked.MemoryBarrier();
        if (!_hasEventIndex)
            return (Volatile.Read(ref _available->Flags) & AvailableRing.NoInterrupt) == 0;

        // Section 2.7.10: whether the event lies among what was just published.
        ushort eventIndex = Volatile.Read(ref *UsedEvent);
        return (ushort)(_usedIndex - eventIndex - 1) < (ushort)(_usedIndex - before);
    }

    /// <inheritdoc/>
    public readonly bool TryRequestNotification()
    {
        if (_hasEventIndex)
            Volatile.Write(ref *AvailableEvent, _next);
        else
            Volatile.Write(ref _used->Flags, (ushort)0);
        Interlocked.MemoryBarrier();
        return Volatile.Read(ref _available->Index) == _next;
    }

    /// <inheritdoc/>
    public readonly void SuppressNotifications()
    {
        // With an event index the flag must stay 0 (section 2.7.10.1); an event that has passed comes again once in 65536.
        if (_hasEventIndex)
            Volatile.Write(ref *AvailableEvent, (ushort)(_next - 1));
        else
            Volatile.Write(ref _used->Flags, UsedRing.NoNotify);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Take(DeviceBuffer* into, int count, int ready, DescriptorFlags direction)
    {
        if ((uint)ready > _mask + 1)
            return Violate(RingViolation.TooManyAvailable, taken: 0);
        ushort* entries = Entries(_available);
        SplitDescriptor* descriptors = _descriptors;
        uint mask = _mask;
        for (int i = 0; i < count; i++)
        {
            uint head = entries[_next & mask];
            if (head > mask)
                return Violate(RingViolation.HeadOutOfRange, i);
            SplitDescriptor* descriptor = descriptors + head;
            ulong address = descriptor->Address;
            ulong rest = *(ulong*)&descriptor->BufferLength;
            uint length = (uint)rest;
            byte* data;
            if (FlagsOf(rest) == direction && (data = _pieces.Memory.Find(address, length)) != null)
            {
                DeviceBuffer.SetOne(into + i, data, length, head);
                _next++;
                continue;
            }

            RingViolation violation = FollowChain(address, rest, direction);
            if (violation != RingViolation.None)
                return Violate(violation, i);
            into[i] = _pieces.ToBuffer(head);
            _next++;
            return i + 1;
        }

        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RingViolation FollowChain(ulong address, ulong rest, DescriptorFlags direction)
    {
        _pieces.Clear();
        SplitDescriptor* table = _descriptors;
        uint size = _mask + 1;
        bool isTable = false;
        for (uint left = size; left != 0; left--)
        {
            DescriptorFlags flags = FlagsOf(rest);
            if ((flags & DescriptorFlags.Indirect) != 0)
            {
                // Section 2.7.5.3.1: no table within a table, nothing chained behind one.
                uint length = (uint)rest;
                bool isOne = !isTable && flags == DescriptorFlags.Indirect
                    && length % SplitDescriptor.Length == 0 && length / SplitDescriptor.Length is > 0 and <= DeviceBuffer.MaxPieces;
                table = isOne ? (SplitDescriptor*)_pieces.Memory.Find(address, length) : null;
                if (table == null)
                    return RingViolation.BadIndirectTable;
                isTable = true;
                size = length / SplitDescriptor.Length;
                left = size + 1;
                address = table->Address;
                rest = Rest(table);
                continue;
            }

            if ((flags & DescriptorFlags.Write) != direction)
                return RingViolation.WrongDirection;
            RingViolation violation = _pieces.Append(address, (uint)rest);
            if (violation != RingViolation.None || (flags & DescriptorFlags.Next) == 0)
                return violation;
            uint next = (ushort)(rest >> 48);
            if (next >= size)
                return RingViolation.NextOutOfRange;
            address = table[next].Address;
            rest = Rest(table + next);
        }

        return RingViolation.EndlessChain;
    }

    private int Violate(RingViolation violation, int taken)
    {
        Violation = violation;
        return taken;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static DescriptorFlags FlagsOf(ulong rest) =>
        (DescriptorFlags)(rest >> 32) & (DescriptorFlags.Next | DescriptorFlags.Write | DescriptorFlags.Indirect);

    /// <summary>Length, flags and next, read at once.</summary>
    private static ulong Rest(SplitDescriptor* descriptor) => *(ulong*)&descriptor->BufferLength;

    private static ushort* Entries(AvailableRing* ring) => (ushort*)(ring + 1);

    private static UsedElement* Elements(UsedRing* ring) => (UsedElement*)(ring + 1);
}
