using System.Runtime.CompilerServices;

namespace Dataplane.Virtio;

/// <summary>The device's half of a packed virtqueue (virtio 1.2, section 2.8).</summary>
/// <remarks>
/// Barriers, and why (x86-64 | Arm); the driver is another CPU, never hardware:
/// <code>
/// flags of the first descriptor read -> its address, the chain, the buffer read  acquire: none may be read before it is available  (mov | ldar)         2.8.21
/// buffer, further used descriptors written -> flags of the first one             release: the flags hand all of them over          (mov | stlr)         2.8.22
/// flags written -> event suppression read                                        full: or each side believes the other will act    (lock or | dmb ish)  2.8.22
/// notification asked for -> flags read                                           full: or a buffer made available in between is slept over  (lock or | dmb ish)  2.8.21.3
/// </code>
/// Length, id and flags are one aligned word of eight bytes, written and read at once: no order among them is needed. Of a
/// batch of used descriptors the first is written last: before that the driver sees none of them. Of buffers that come back in
/// order (VIRTIO_F_IN_ORDER) and were not written to, it is the only one, and names the last of them (section 2.8.9): one cache line
/// goes to the driver instead of one per four descriptors.
/// </remarks>
internal unsafe struct PackedDeviceRing : IDeviceRing<PackedDeviceRing>
{
    private readonly PackedDescriptor* _descriptors;
    private readonly EventSuppression* _driverEvent;
    private readonly EventSuppression* _deviceEvent;
    private readonly uint _size;
    private readonly bool _hasEventIndex;
    private readonly bool _namesLast;
    private DevicePieces _pieces;

    // Where the next available buffer will be, and the wrap counter there.
    private uint _next;
    private bool _wrap;

    // Where the next used buffer goes, and the wrap counter there.
    private uint _nextUsed;
    private bool _usedWrap;

    // What is to be written at the first place of the batch; zero while there is no batch, which has at least a flag.
    private uint _first;
    private ulong _firstRest;
    private uint _unpublished;

    private PackedDeviceRing(DeviceRingOptions options)
    {
        _descriptors = (PackedDescriptor*)options.Descriptors;
        _driverEvent = (EventSuppression*)options.Driver;
        _deviceEvent = (EventSuppression*)options.Device;
        _size = (uint)options.Size;
        _hasEventIndex = (options.Features & VirtioFeatures.RingEventIdx) != 0;
        _namesLast = (options.Features & VirtioFeatures.InOrder) != 0 && !options.IsLogged;
        _pieces = new DevicePieces(options);

        // Every buffer had been given back: the next used one goes where the next available one comes from.
        _next = _nextUsed = Math.Min(options.Position & ~(uint)EventSuppression.WrapBit & ushort.MaxValue, _size - 1);
        _wrap = _usedWrap = (options.Position & EventSuppression.WrapBit) != 0;
    }

    /// <inheritdoc/>
    public static PackedDeviceRing Create(DeviceRingOptions options)
    {
        var ring = new PackedDeviceRing(options);
        ring.SuppressNotifications();
        return ring;
    }

    /// <inheritdoc/>
    public readonly uint Position => EventSuppression.Place(_next, _wrap) | (EventSuppression.Place(_nextUsed, _usedWrap) << 16);

    /// <inheritdoc/>
    public readonly uint UsedPosition => EventSuppression.Place(_nextUsed, _usedWrap);

    /// <inheritdoc/>
    public RingViolation Violation { get; private set; }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Take(DeviceBuffer* into, int most, DescriptorFlags direction) =>
        IsAvailable(Volatile.Read(ref PackedDescriptor.Rest(_descriptors + _next))) ? TakeFrom(into, most, direction) : 0;

    /// <inheritdoc/>
    public void Untake(DeviceBuffer* buffers, int count)
    {
        for (int i = 0; i < count; i++)
        {
            uint descriptors = buffers[i].Token >> 16;
            if (_next < descriptors)
            {
                _next += _size;
                _wrap = !_wrap;
            }

            _next -= descriptors;
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(uint token, uint written)
    {
        const DescriptorFlags Both = DescriptorFlags.Available | DescriptorFlags.Used;
        DescriptorFlags flags = (_usedWrap ? Both : DescriptorFlags.None) | (written != 0 ? DescriptorFlags.Write : DescriptorFlags.None);
        ulong rest = PackedDescriptor.RestOf(written, (ushort)token, flags);
        uint count = token >> 16;
        if (_unpublished == 0)
        {
            _first = _nextUsed;
            _firstRest = rest;
        }
        else if (_namesLast && written == 0)
            _firstRest = PackedDescriptor.WithId(_firstRest, (ushort)token);
        else
            PackedDescriptor.Rest(_descriptors + _nextUsed) = rest;
        _unpublished += count;
        _nextUsed += count;
        if (_nextUsed < _size)
            return;
        _nextUsed -= _size;
        _usedWrap = !_usedWrap;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Publish()
    {
        uint used = _unpublished;
        if (used == 0)
            return false;
        _unpublished = 0;
        Volatile.Write(ref PackedDescriptor.Rest(_descriptors + _first), _firstRest);
        Interlocked.MemoryBarrier();
        uint wanted = Volatile.Read(ref EventSuppression.Both(_driverEvent));
        uint when = wanted >> 16;
        return when == EventSuppression.AtDescriptor && _hasEventIndex
            ? EventSuppression.HasPassed((ushort)wanted, _nextUsed, _usedWrap, _size, used)
            : when != EventSuppression.Disable;
    }

    /// <inheritdoc/>
    public readonly bool TryRequestNotification()
    {
        Volatile.Write(
            ref EventSuppression.Both(_deviceEvent),
            _hasEventIndex
                ? EventSuppression.Place(_next, _wrap) | ((uint)EventSuppression.AtDescriptor << 16)
                : (uint)EventSuppression.Enable << 16);
        Interlocked.MemoryBarrier();
        return !IsAvailable(Volatile.Read(ref PackedDescriptor.Rest(_descriptors + _next)));
    }

    /// <inheritdoc/>
    public readonly void SuppressNotifications() =>
        Volatile.Write(ref EventSuppression.Both(_deviceEvent), (uint)EventSuppression.Disable << 16);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int TakeFrom(DeviceBuffer* into, int most, DescriptorFlags direction)
    {
        for (int i = 0; i < most; i++)
        {
            PackedDescriptor* descriptor = _descriptors + _next;
            ulong rest = Volatile.Read(ref PackedDescriptor.Rest(descriptor));
            if (!IsAvailable(rest))
                return i;
            ulong address = descriptor->Address;
            uint length = (uint)rest;
            byte* data;
            if (FlagsOf(rest) == direction && (data = _pieces.Memory.Find(address, length)) != null)
            {
                DeviceBuffer.SetOne(into + i, data, length, IdOf(rest) | (1 << 16));
                Skip(1);
                if (IdOf(rest) >= _size)
                    return Violate(RingViolation.HeadOutOfRange, i);
                continue;
            }

            RingViolation violation = FollowChain(address, rest, direction, out uint token);
            if (violation != RingViolation.None)
                return Violate(violation, i);
            into[i] = _pieces.ToBuffer(token);
            Skip(token >> 16);
            return i + 1;
        }

        return most;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RingViolation FollowChain(ulong address, ulong rest, DescriptorFlags direction, out uint token)
    {
        _pieces.Clear();
        token = 0;
        uint next = _next;
        for (uint count = 1; count <= _size; count++)
        {
            DescriptorFlags flags = FlagsOf(rest);
            RingViolation violation;
            if ((flags & DescriptorFlags.Indirect) != 0)
            {
                // Section 2.8.7: nothing is chained behind a table.
                violation = flags == DescriptorFlags.Indirect
                    ? AppendTable(address, (uint)rest, direction)
                    : RingViolation.BadIndirectTable;
            }
            else
            {
                violation = (flags & DescriptorFlags.Write) == direction
                    ? _pieces.Append(address, (uint)rest)
                    : RingViolation.WrongDirection;
            }

            if (violation != RingViolation.None)
                return violation;
            if ((flags & DescriptorFlags.Next) == 0)
            {
                // Section 2.8.6: the id stands in the last descriptor of a chain.
                token = IdOf(rest) | (count << 16);
                return IdOf(rest) < _size ? RingViolation.None : RingViolation.HeadOutOfRange;
            }

            if (++next == _size)
                next = 0;
            address = _descriptors[next].Address;
            rest = PackedDescriptor.Rest(_descriptors + next);
        }

        return RingViolation.EndlessChain;
    }

    private RingViolation AppendTable(ulong address, uint length, DescriptorFlags direction)
    {
        bool isOne = length % PackedDescriptor.Length == 0 && length / PackedDescriptor.Length is > 0 and <= DeviceBuffer.MaxPieces;
        PackedDescriptor* table = isOne ? (PackedDescriptor*)_pieces.Memory.Find(address, length) : null;
        if (table == null)
            return RingViolation.BadIndirectTable;
        for (uint i = 0; i < length / PackedDescriptor.Length; i++)
        {
            ulong piece = table[i].Address;
            ulong rest = PackedDescriptor.Rest(table + i);

            // Section 2.8.7: of the flags of an entry only this one means anything. DPDK sets it in all entries, whatever
            // they are for (vring_desc_init_indirect_packed); to read what we might write to does no harm.
            if (direction == DescriptorFlags.Write && (FlagsOf(rest) & DescriptorFlags.Write) == 0)
                return RingViolation.WrongDirection;
            RingViolation violation = _pieces.Append(piece, (uint)rest);
            if (violation != RingViolation.None)
                return violation;
        }

        return RingViolation.None;
    }

    private int Violate(RingViolation violation, int taken)
    {
        Violation = violation;
        return taken;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool IsAvailable(ulong rest) => PackedDescriptor.IsAvailable(rest, _wrap);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Skip(uint count)
    {
        _next += count;
        if (_next < _size)
            return;
        _next -= _size;
        _wrap = !_wrap;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static DescriptorFlags FlagsOf(ulong rest) =>
        (DescriptorFlags)(rest >> 48) & (DescriptorFlags.Next | DescriptorFlags.Write | DescriptorFlags.Indirect);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint IdOf(ulong rest) => (ushort)(rest >> 32);
}
