using Dataplane.Core.Tests.Memory;
using Dataplane.Virtio;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>The device's half of both rings, with the driver's half at the other end.</summary>
public sealed unsafe class DeviceRingTests : IDisposable
{
    private const int Size = 8;

    private readonly TestPool _pool = new(count: 1);

    public static TheoryData<bool> Kinds => [false, true];

    public void Dispose() => _pool.Dispose();

    [Theory]
    [InlineData(false, false, 1)]
    [InlineData(false, true, 2)]
    [InlineData(true, false, 3)]
    [InlineData(true, true, 4)]
    public void Buffers_of_every_shape_come_in_order_and_go_back_in_any(bool packed, bool eventIndex, int seed)
    {
        foreach (int size in new[] { 2, 4, 16, 256 })
        {
            using DeviceRingBed bed = DeviceRingBed.Create(
                _pool.Memory, packed, size, eventIndex ? VirtioFeatures.RingEventIdx : VirtioFeatures.None);
            new Exchange(bed, size, new Random(seed)).Run(4000);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Buffers_that_were_taken_back_come_again(bool packed)
    {
        using DeviceRingBed bed = Create(packed);
        for (int round = 0; round < 20; round++)
        {
            bed.Add(1, isWritable: true, new BufferPiece(DeviceRingBed.Buffers, 100));
            bed.Add(2, isWritable: true, new BufferPiece(DeviceRingBed.Buffers + 100, 50), new BufferPiece(DeviceRingBed.Buffers + 200, 50));
            bed.Add(3, isWritable: true, new BufferPiece(DeviceRingBed.Buffers + 300, 100));
            bed.PublishDriver();

            IReadOnlyList<(uint Token, BufferPiece[] Pieces)> both = bed.Take(3, isWritable: true);
            Assert.Equal(2, both.Count);
            bed.Untake(1);
            Assert.Equal(2, Assert.Single(bed.Take(3, isWritable: true)).Pieces.Length);
            bed.Untake(1);
            (uint second, _) = Assert.Single(bed.Take(1, isWritable: true));
            (uint third, _) = Assert.Single(bed.Take(1, isWritable: true));
            bed.Untake(1);
            Assert.Equal(third, Assert.Single(bed.Take(4, isWritable: true)).Token);
            Assert.Empty(bed.Take(1, isWritable: true));

            bed.Return(third, 9);
            bed.Return(second, 8);
            bed.Return(both[0].Token, 7);
            bed.PublishDevice();
            Assert.Equal([new UsedBuffer(3, 9), new UsedBuffer(2, 8), new UsedBuffer(1, 7)], bed.TakeUsed());
        }

        Assert.Equal(0u, bed.DriverViolations);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Another_device_goes_on_where_one_has_stopped(bool packed)
    {
        using DeviceRingBed bed = Create(packed);
        for (int round = 0; round < 100; round++)
        {
            for (nint i = 1; i <= 3; i++)
                bed.Add(i, isWritable: false, new BufferPiece(DeviceRingBed.Buffers, (uint)i));
            bed.PublishDriver();
            foreach ((uint token, _) in bed.Take(2))
                bed.Return(token, 0);
            bed.PublishDevice();
            bed.ReplaceDevice();
            foreach ((uint token, _) in bed.Take(8))
                bed.Return(token, 0);
            bed.PublishDevice();
            Assert.Equal([1, 2, 3], bed.TakeUsed().Select(used => used.Token));
        }

        Assert.Equal(packed ? bed.Position >> 16 : 300u, bed.Position & ushort.MaxValue);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Batches_go_back_in_order_to_a_driver_that_wants_them_so(bool packed, bool isWritable)
    {
        using DeviceRingBed bed = Create(packed, VirtioFeatures.InOrder);
        for (int round = 0; round < 200; round++)
        {
            int batch = 1 + (round % (Size / 2));
            for (nint i = 1; i <= batch; i++)
            {
                var piece = new BufferPiece(DeviceRingBed.Buffers, 100);
                bed.Add(i, isWritable, i % 3 == 0 ? [piece, piece] : [piece]);
            }

            bed.PublishDriver();
            uint written = isWritable ? 7u : 0;
            foreach ((uint token, _) in TakeAll(bed, isWritable))
                bed.Return(token, written);
            bed.PublishDevice();

            IReadOnlyList<UsedBuffer> used = bed.TakeUsed();
            Assert.Equal(Enumerable.Range(1, batch).Select(i => (nint)i), used.Select(buffer => buffer.Token));
            Assert.True(!isWritable || used.All(buffer => buffer.Written == written));
        }

        Assert.Equal(0u, bed.DriverViolations);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 3)]
    public void Buffers_that_were_only_read_take_one_descriptor_on_their_way_back_in_order(bool isWritable, int expected)
    {
        using DeviceRingBed bed = Create(packed: true, VirtioFeatures.InOrder);
        for (nint i = 1; i <= 3; i++)
            bed.Add(i, isWritable, new BufferPiece(DeviceRingBed.Buffers, 100));
        bed.PublishDriver();
        var descriptors = new ReadOnlySpan<ulong>(bed.Descriptors, Size * PackedDescriptor.Length / sizeof(ulong));
        ulong[] before = descriptors.ToArray();

        foreach ((uint token, _) in bed.Take(3, isWritable))
            bed.Return(token, isWritable ? 7u : 0);
        bed.PublishDevice();
        Assert.Equal(expected, descriptors.ToArray().Zip(before).Count(pair => pair.First != pair.Second));
        Assert.Equal(3, bed.TakeUsed().Count);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Each_side_is_notified_only_when_it_wants_to_be(bool packed, bool eventIndex)
    {
        using DeviceRingBed bed = Create(packed, eventIndex ? VirtioFeatures.RingEventIdx : VirtioFeatures.None);
        for (int round = 0; round < 50; round++)
        {
            Assert.True(bed.TryRequestNotification());
            bed.Add(1, isWritable: false, new BufferPiece(DeviceRingBed.Buffers, 10));
            Assert.True(bed.PublishDriver());
            Assert.False(bed.TryRequestNotification());
            bed.SuppressNotifications();
            bed.Add(2, isWritable: false, new BufferPiece(DeviceRingBed.Buffers, 10));
            Assert.False(bed.PublishDriver());

            Assert.True(bed.TryRequestInterrupt());
            foreach ((uint token, _) in bed.Take(2))
                bed.Return(token, 0);
            Assert.True(bed.PublishDevice());
            Assert.False(bed.PublishDevice());
            Assert.False(bed.TryRequestInterrupt());
            Assert.Equal(2, bed.TakeUsed().Count);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_buffer_may_cross_from_one_region_into_the_next(bool packed)
    {
        using DeviceRingBed bed = Create(packed);
        bed.Add(1, isWritable: false, new BufferPiece(DeviceRingBed.Border - 30, 100));
        bed.PublishDriver();

        (_, BufferPiece[] pieces) = Assert.Single(bed.Take(8));
        Assert.Equal([new BufferPiece(DeviceRingBed.Border - 30, 30), new BufferPiece(DeviceRingBed.Border, 70)], pieces);
    }

    [Theory]
    [InlineData(false, DeviceRingBed.Buffers - 1, 10u)]
    [InlineData(true, DeviceRingBed.Buffers - 1, 10u)]
    [InlineData(false, DeviceRingBed.Buffers + DeviceRingBed.BuffersLength - 9, 10u)]
    [InlineData(true, DeviceRingBed.Buffers + DeviceRingBed.BuffersLength - 9, 10u)]
    [InlineData(false, DeviceRingBed.Buffers + DeviceRingBed.BuffersLength, 1u)]
    [InlineData(false, DeviceRingBed.Buffers, uint.MaxValue)]
    [InlineData(true, DeviceRingBed.Buffers, uint.MaxValue)]
    [InlineData(false, ulong.MaxValue, uint.MaxValue)]
    [InlineData(true, ulong.MaxValue, uint.MaxValue)]
    [InlineData(false, 0ul, 1u)]
    public void An_address_outside_of_the_shared_memory_is_a_violation(bool packed, ulong address, uint length)
    {
        using DeviceRingBed bed = Create(packed);
        bed.Add(1, isWritable: false, new BufferPiece(DeviceRingBed.Buffers, 10));
        bed.Add(2, isWritable: false, new BufferPiece(address, length));
        bed.PublishDriver();

        Assert.Single(bed.Take(8));
        Assert.Equal(RingViolation.AddressOutOfRange, bed.Violation);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    public void A_buffer_of_the_other_direction_is_a_violation(bool packed, bool isWritable)
    {
        using DeviceRingBed bed = Create(packed);
        bed.Add(1, isWritable, new BufferPiece(DeviceRingBed.Buffers, 10));
        bed.PublishDriver();

        Assert.Empty(bed.Take(8, !isWritable));
        Assert.Equal(RingViolation.WrongDirection, bed.Violation);
    }

    [Fact]
    public void An_available_index_beyond_the_ring_is_a_violation()
    {
        using DeviceRingBed bed = Create(packed: false);
        ((AvailableRing*)bed.Driver)->Index = Size + 1;
        Assert.Empty(bed.Take(8));
        Assert.Equal(RingViolation.TooManyAvailable, bed.Violation);
    }

    [Fact]
    public void A_head_that_the_ring_does_not_have_is_a_violation()
    {
        using DeviceRingBed bed = Create(packed: false);
        ((ushort*)(bed.Driver + AvailableRing.HeaderLength))[0] = Size;
        ((AvailableRing*)bed.Driver)->Index = 1;
        Assert.Empty(bed.Take(8));
        Assert.Equal(RingViolation.HeadOutOfRange, bed.Violation);
    }

    [Fact]
    public void An_id_that_the_ring_does_not_have_is_a_violation()
    {
        using DeviceRingBed bed = Create(packed: true);
        *(PackedDescriptor*)bed.Descriptors = new PackedDescriptor
        {
            Address = DeviceRingBed.Buffers,
            BufferLength = 10,
            Id = Size,
            Flags = DescriptorFlags.Available,
        };
        Assert.Empty(bed.Take(8));
        Assert.Equal(RingViolation.HeadOutOfRange, bed.Violation);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_chain_without_end_is_a_violation(bool packed)
    {
        using DeviceRingBed bed = Create(packed);
        for (ushort i = 0; i < Size; i++)
        {
            if (packed)
            {
                ((PackedDescriptor*)bed.Descriptors)[i] = new PackedDescriptor
                {
                    Address = DeviceRingBed.Buffers,
                    BufferLength = 10,
                    Flags = DescriptorFlags.Available | DescriptorFlags.Next,
                };
            }
            else
            {
                ((SplitDescriptor*)bed.Descriptors)[i] = new SplitDescriptor
                {
                    Address = DeviceRingBed.Buffers,
                    BufferLength = 10,
                    Flags = DescriptorFlags.Next,
                    Next = (ushort)((i + 1) % Size),
                };
            }
        }

        if (!packed)
            ((AvailableRing*)bed.Driver)->Index = 1;
        Assert.Empty(bed.Take(8));
        Assert.Equal(RingViolation.EndlessChain, bed.Violation);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Descriptors_of_nothing_count_as_pieces(bool packed)
    {
        using DeviceRingBed bed = DeviceRingBed.Create(_pool.Memory, packed, size: 4096, VirtioFeatures.None);
        bed.Add(1, isWritable: false, new BufferPiece[Dataplane.Virtio.DeviceBuffer.MaxPieces]);
        bed.Add(2, isWritable: false, new BufferPiece[Dataplane.Virtio.DeviceBuffer.MaxPieces + 1]);
        bed.PublishDriver();

        Assert.Single(bed.Take(8));
        Assert.Empty(bed.Take(8));
        Assert.Equal(RingViolation.TooManyPieces, bed.Violation);
    }

    [Theory]
    [InlineData(false, 8u, false)]
    [InlineData(true, 8u, false)]
    [InlineData(false, 0u, false)]
    [InlineData(true, 0u, false)]
    [InlineData(false, 1025u * 16, false)]
    [InlineData(true, 1025u * 16, false)]
    [InlineData(false, 32u, true)]
    [InlineData(true, 32u, true)]
    public void A_table_that_is_none_is_a_violation(bool packed, uint length, bool isChained)
    {
        DescriptorFlags flags = DescriptorFlags.Indirect | (isChained ? DescriptorFlags.Next : DescriptorFlags.None);
        using DeviceRingBed bed = Create(packed);
        Offer(bed, packed, DeviceRingBed.Buffers, length, flags);
        Assert.Empty(bed.Take(8));
        Assert.Equal(RingViolation.BadIndirectTable, bed.Violation);
    }

    [Fact]
    public void A_table_within_a_table_and_one_that_loops_are_violations()
    {
        foreach ((DescriptorFlags flags, ushort next, RingViolation expected) in new[]
        {
            (DescriptorFlags.Indirect, (ushort)0, RingViolation.BadIndirectTable),
            (DescriptorFlags.Next, (ushort)0, RingViolation.EndlessChain),
            (DescriptorFlags.Next, (ushort)2, RingViolation.NextOutOfRange),
        })
        {
            using DeviceRingBed bed = Create(packed: false);
            var table = (SplitDescriptor*)bed.HostOf(DeviceRingBed.Buffers);
            table[0] = new SplitDescriptor { Address = DeviceRingBed.Buffers, BufferLength = 32, Flags = flags, Next = next };
            Offer(bed, packed: false, DeviceRingBed.Buffers, 32, DescriptorFlags.Indirect);
            Assert.Empty(bed.Take(8));
            Assert.Equal(expected, bed.Violation);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_ring_of_noise_ends_in_a_violation_or_in_nothing(bool packed)
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            using DeviceRingBed bed = Create(packed);
            for (int round = 0; round < 30 && bed.Violation == RingViolation.None; round++)
            {
                random.NextBytes(new Span<byte>(bed.Descriptors, Size * SplitDescriptor.Length));
                Shorten(bed, random);
                random.NextBytes(new Span<byte>(bed.Driver, packed ? EventSuppression.Length : AvailableRing.HeaderLength + (2 * Size)));
                foreach ((uint token, BufferPiece[] pieces) in bed.Take(16, random.Next(2) == 0))
                {
                    Assert.All(pieces, piece => Assert.True(piece.Address - DeviceRingBed.Buffers + piece.Length <= DeviceRingBed.BuffersLength));
                    bed.Return(token, 0);
                }

                bed.PublishDevice();
            }
        }
    }

    [Fact]
    public void Regions_that_overlap_or_end_behind_the_last_address_make_no_table()
    {
        Assert.Null(GuestMemoryTable.TryCreate([new GuestRegion(0, 10, 1), new GuestRegion(9, 10, 1)], out string problem));
        Assert.Contains("overlaps", problem, StringComparison.Ordinal);
        Assert.Null(GuestMemoryTable.TryCreate([new GuestRegion(ulong.MaxValue - 5, 7, 1)], out problem));
        Assert.Contains("last address", problem, StringComparison.Ordinal);
        Assert.Null(GuestMemoryTable.TryCreate([new GuestRegion(5, 0, 1)], out _));
    }

    [Fact]
    public void Every_address_is_found_in_a_table_of_many_regions()
    {
        const int Count = 509;
        using GuestMemoryTable table = GuestMemoryTable.TryCreate(
            Enumerable.Range(0, Count).Reverse().Select(i => new GuestRegion((ulong)i * 0x2000, 0x1000, (i + 1) * 0x10000)), out _)!;
        var memory = new GuestMemory(table);
        for (uint i = 0; i < Count; i++)
        {
            Assert.Equal((nint)(((i + 1) * 0x10000) + 0xFFF), (nint)memory.Find((i * 0x2000) + 0xFFF, 1));
            Assert.Equal(0, (nint)memory.Find((i * 0x2000) + 0xFFF, 2));
            Assert.Equal(0, (nint)memory.Find((i * 0x2000) + 0x1000, 1));
            Assert.Equal((nint)((i + 1) * 0x10000), (nint)memory.Find(i * 0x2000, 0x1000));
        }
    }

    private DeviceRingBed Create(bool packed, VirtioFeatures features = VirtioFeatures.None) =>
        DeviceRingBed.Create(_pool.Memory, packed, Size, features);

    /// <summary>A buffer of several pieces is the last that is taken at a time.</summary>
    private static List<(uint Token, BufferPiece[] Pieces)> TakeAll(DeviceRingBed bed, bool isWritable)
    {
        List<(uint Token, BufferPiece[] Pieces)> all = [];
        for (var some = bed.Take(Size, isWritable); some.Count != 0; some = bed.Take(Size, isWritable))
            all.AddRange(some);
        return all;
    }

    private static void Offer(DeviceRingBed bed, bool packed, ulong address, uint length, DescriptorFlags flags)
    {
        if (packed)
        {
            *(PackedDescriptor*)bed.Descriptors = new PackedDescriptor
            {
                Address = address,
                BufferLength = length,
                Flags = flags | DescriptorFlags.Available,
            };
            return;
        }

        *(SplitDescriptor*)bed.Descriptors = new SplitDescriptor { Address = address, BufferLength = length, Flags = flags };
        ((AvailableRing*)bed.Driver)->Index = 1;
    }

    /// <summary>Makes some addresses and lengths possible, so that noise gets further.</summary>
    private static void Shorten(DeviceRingBed bed, Random random)
    {
        var descriptors = (SplitDescriptor*)bed.Descriptors;
        for (int i = 0; i < Size; i++)
        {
            if (random.Next(8) == 0)
                continue;
            descriptors[i].Address = DeviceRingBed.Buffers + (ulong)random.Next(DeviceRingBed.BuffersLength);
            descriptors[i].BufferLength = (uint)random.Next(4096) & ~15u;
            descriptors[i].Next %= Size;
        }
    }

    /// <summary>Random exchanges, compared with lists.</summary>
    private sealed class Exchange(DeviceRingBed bed, int size, Random random)
    {
        private readonly Queue<(nint Token, BufferPiece[] Pieces)> _available = [];
        private readonly List<(nint Token, uint Id)> _taken = [];
        private readonly Queue<UsedBuffer> _used = [];
        private readonly Queue<UsedBuffer> _published = [];
        private nint _lastToken;

        public void Run(int steps)
        {
            for (int i = 0; i < steps; i++)
                Step();
            Assert.Equal(0u, bed.DriverViolations);
            Assert.Equal(RingViolation.None, bed.Violation);
            Assert.True(_lastToken > steps / 50);
        }

        private void Step()
        {
            switch (random.Next(8))
            {
                case 0 or 1 or 2:
                    Add();
                    break;
                case 3 or 4:
                    Take();
                    break;
                case 5 or 6:
                    Return();
                    break;
                default:
                    bed.PublishDevice();
                    while (_used.TryDequeue(out UsedBuffer used))
                        _published.Enqueue(used);
                    Assert.Equal([.. _published], bed.TakeUsed());
                    _published.Clear();
                    break;
            }
        }

        private void Add()
        {
            int count = random.Next(1, 4);
            bool isIndirect = random.Next(3) == 0;
            if (bed.Free < (isIndirect ? 1 : count) || (isIndirect && count * SplitDescriptor.Length > DeviceRingBed.BuffersLength / 4 / size))
                return;
            BufferPiece[] pieces = [.. Enumerable.Range(0, count).Select(_ =>
                new BufferPiece(DeviceRingBed.Border + (ulong)random.Next(1000), (uint)random.Next(1, 1000)))];
            nint token = ++_lastToken;
            if (isIndirect)
                bed.AddIndirect(token, pieces);
            else
                bed.Add(token, isWritable: false, pieces);
            bed.PublishDriver();
            _available.Enqueue((token, pieces));
        }

        private void Take()
        {
            foreach ((uint id, BufferPiece[] pieces) in bed.Take(random.Next(1, 5)))
            {
                (nint token, BufferPiece[] expected) = _available.Dequeue();
                Assert.Equal(expected, pieces);
                _taken.Add((token, id));
            }
        }

        private void Return()
        {
            for (int i = random.Next(4); i >= 0 && _taken.Count != 0; i--)
            {
                int index = random.Next(_taken.Count);
                uint written = (uint)random.Next(1000);
                bed.Return(_taken[index].Id, written);
                _used.Enqueue(new UsedBuffer(_taken[index].Token, written));
                _taken.RemoveAt(index);
            }
        }
    }
}
