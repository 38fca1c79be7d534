using Dataplane.Rings;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Rings;

/// <summary>Random operations of one thread on both rings, compared with a queue; also across the end of the 32-bit indices.</summary>
public sealed class RingModelTests
{
    public enum Operation
    {
        EnqueueBurst,
        EnqueueBulk,
        DequeueBurst,
        DequeueBulk,
    }

    private interface IRing : IDisposable
    {
        int Capacity { get; }

        int Count { get; }

        int EnqueueBurst(ReadOnlySpan<long> items);

        bool TryEnqueueBulk(ReadOnlySpan<long> items);

        int DequeueBurst(Span<long> items);

        bool TryDequeueBulk(Span<long> items);
    }

    [Fact]
    public void The_ring_of_one_producer_and_one_consumer_is_a_bounded_queue() =>
        Check((capacity, start) => new Spsc(new SpscRing<long>(capacity, start)));

    [Fact]
    public void The_ring_of_many_threads_is_a_bounded_queue() =>
        Check((capacity, start) => new Mpmc(new MpmcRing<long>(capacity, start)));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(1000, 1024)]
    [InlineData(1024, 1024)]
    public void Capacities_are_rounded_up_to_a_power_of_two_and_all_of_it_can_be_used(int asked, int capacity)
    {
        using var spsc = new SpscRing<long>(asked);
        using var mpmc = new MpmcRing<long>(asked);
        long[] items = new long[capacity + 1];

        Assert.Equal((capacity, capacity), (spsc.Capacity, mpmc.Capacity));
        Assert.False(spsc.TryEnqueueBulk(items));
        Assert.False(mpmc.TryEnqueueBulk(items));
        Assert.Equal((capacity, capacity), (spsc.EnqueueBurst(items), mpmc.EnqueueBurst(items)));
        Assert.Equal((capacity, capacity), (spsc.Count, mpmc.Count));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData((1 << 30) + 1)]
    public void Impossible_capacities_are_refused(int capacity)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SpscRing<long>(capacity));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MpmcRing<long>(capacity));
    }

    [Fact]
    public void The_ring_of_one_producer_takes_items_of_any_size_and_the_other_only_those_of_a_pointer()
    {
        using var ring = new SpscRing<(long, byte, int)>(4);
        Assert.True(ring.TryEnqueueBulk([(1, 2, 3), (4, 5, 6)]));
        var items = new (long, byte, int)[2];
        Assert.True(ring.TryDequeueBulk(items));

        Assert.Equal([(1, 2, 3), (4, 5, 6)], items);
        Assert.Throws<NotSupportedException>(() => new MpmcRing<int>(4));
    }

    private static void Check(Func<int, uint, IRing> create) =>
        Prop.ForAll<byte, byte, (Operation Operation, byte Size)[]>((log, before, steps) =>
        {
            using IRing ring = create(1 << (log % 6), uint.MaxValue - (before % 64u));
            var model = new Queue<long>();
            long next = 1;
            foreach ((Operation step, byte size) in steps)
            {
                int length = size % (ring.Capacity + 3), room = ring.Capacity - model.Count;
                long[] items = step is Operation.EnqueueBurst or Operation.EnqueueBulk
                    ? [.. Enumerable.Range(0, length).Select(_ => next++)]
                    : new long[length];
                int moved = step switch
                {
                    Operation.EnqueueBurst => ring.EnqueueBurst(items),
                    Operation.EnqueueBulk => ring.TryEnqueueBulk(items) ? length : 0,
                    Operation.DequeueBurst => ring.DequeueBurst(items),
                    _ => ring.TryDequeueBulk(items) ? length : 0,
                };
                int expected = step switch
                {
                    Operation.EnqueueBurst => Math.Min(length, room),
                    Operation.EnqueueBulk => length <= room ? length : 0,
                    Operation.DequeueBurst => Math.Min(length, model.Count),
                    _ => length <= model.Count ? length : 0,
                };
                Assert.Equal(expected, moved);
                for (int i = 0; i < moved; i++)
                {
                    if (step is Operation.EnqueueBurst or Operation.EnqueueBulk)
                        model.Enqueue(items[i]);
                    else
                        Assert.Equal(model.Dequeue(), items[i]);
                }

                Assert.Equal(model.Count, ring.Count);
            }
        }).QuickCheckThrowOnFailure();

    private sealed class Spsc(SpscRing<long> ring) : IRing
    {
        public int Capacity => ring.Capacity;

        public int Count => ring.Count;

        public int EnqueueBurst(ReadOnlySpan<long> items) => ring.EnqueueBurst(items);

        public bool TryEnqueueBulk(ReadOnlySpan<long> items) => ring.TryEnqueueBulk(items);

        public int DequeueBurst(Span<long> items) => ring.DequeueBurst(items);

        public bool TryDequeueBulk(Span<long> items) => ring.TryDequeueBulk(items);

        public void Dispose() => ring.Dispose();
    }

    private sealed class Mpmc(MpmcRing<long> ring) : IRing
    {
        public int Capacity => ring.Capacity;

        public int Count => ring.Count;

        public int EnqueueBurst(ReadOnlySpan<long> items) => ring.EnqueueBurst(items);

        public bool TryEnqueueBulk(ReadOnlySpan<long> items) => ring.TryEnqueueBulk(items);

        public int DequeueBurst(Span<long> items) => ring.DequeueBurst(items);

        public bool TryDequeueBulk(Span<long> items) => ring.TryDequeueBulk(items);

        public void Dispose() => ring.Dispose();
    }
}
