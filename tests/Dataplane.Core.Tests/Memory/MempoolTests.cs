using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Memory;

public sealed unsafe class MempoolTests
{
    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(100, 256, 2048)]
    [InlineData(1000, 3, 60)]
    [InlineData(64, 512, 65407)]
    public void All_buffers_are_distinct_and_lie_on_lines_of_their_own(int count, int cacheSize, int dataRoom)
    {
        using var test = new TestPool(count, cacheSize, dataRoom);
        Packet[] all = TakeAll(test.Pool);

        Assert.Equal(count, all.Distinct().Count());
        Assert.Equal((dataRoom, dataRoom + 128), (test.Pool.DataRoom, test.Pool.BufferLength));
        nuint[] addresses = [.. all.Select(packet => (nuint)packet.Mbuf).Order()];
        Assert.All(addresses, address => Assert.Equal(0u, address % 64));
        Assert.All(addresses.Zip(addresses.Skip(1)), pair =>
        {
            Assert.True(pair.Second - pair.First >= (nuint)(Mbuf.HeaderSize + test.Pool.BufferLength));
            Assert.Equal(1u, (pair.Second - pair.First) / 64 % 2);
        });
        Assert.True(addresses[0] > (nuint)test.Pool.Zone.Address);
        nuint end = (nuint)test.Pool.Zone.Address + test.Pool.Zone.Length;
        Assert.True(addresses[^1] + Mbuf.HeaderSize + (nuint)test.Pool.BufferLength <= end);

        // Every byte of every buffer is usable, and belongs to it alone.
        for (int i = 0; i < all.Length; i++)
            new Span<byte>(all[i].Mbuf->Buffer, test.Pool.BufferLength).Fill((byte)i);
        for (int i = 0; i < all.Length; i++)
            Assert.Equal(-1, new Span<byte>(all[i].Mbuf->Buffer, test.Pool.BufferLength).IndexOfAnyExcept((byte)i));
        Packet.Free(all);
        Assert.Equal(0, test.Pool.Statistics.InUse);
    }

    [Fact]
    public void An_exhausted_pool_says_no_and_gives_again_what_comes_back()
    {
        using var test = new TestPool(count: 8);
        Packet[] all = TakeAll(test.Pool);

        Assert.False(test.Pool.TryAllocate(out Packet none));
        Assert.True(none.IsNull);
        Assert.Equal((8, 0, 1UL), (test.Pool.Statistics.InUse, test.Pool.Statistics.Available, test.Pool.Statistics.Failures));
        all[3].Free();
        Assert.False(test.Pool.TryAllocateRaw(new Packet[2]));
        Assert.True(test.Pool.TryAllocate(out Packet again));
        Assert.Equal(all[3], again);
        Packet.Free(all);
    }

    [Fact]
    public void A_lcore_gets_whatever_is_free_in_bursts_of_any_size() =>
        Prop.ForAll<byte, ushort, (bool Get, ushort Size)[]>((cacheChoice, countChoice, steps) =>
        {
            // Sizes around the cache's size and its limit of one and a half of it, where a burst goes past the cache.
            int cacheSize = new[] { 0, 1, 2, 3, 7, 255, 256, 512 }[cacheChoice % 8];
            int limit = cacheSize + (cacheSize / 2);
            int[] sizes = [0, 1, 32, cacheSize, cacheSize + 1, limit - 1, limit, limit + 1, 2 * limit];
            int count = 1 + (countChoice % 1500);
            using var test = new TestPool(count, cacheSize, dataRoom: 0);
            using IDisposable lcore = test.EnterLcore(1);
            var held = new List<Packet>();
            foreach ((bool get, ushort size) in steps)
            {
                int length = Math.Max(0, sizes[size % sizes.Length] + (size % 5 == 0 ? size % 40 : 0));
                if (get)
                {
                    var burst = new Packet[length];
                    bool got = test.Pool.TryAllocateRaw(burst);
                    Assert.Equal(length <= count - held.Count, got);
                    if (got)
                        held.AddRange(burst);
                    Assert.Equal(held.Count, held.Distinct().Count());
                }
                else
                {
                    Packet[] burst = [.. held.Take(length)];
                    held.RemoveRange(0, burst.Length);
                    test.Pool.FreeRaw(burst);
                }

                Assert.Equal(held.Count, test.Pool.Statistics.InUse);
            }

            Packet.Free(held.ToArray());
            Packet[] all = TakeAll(test.Pool);
            Assert.Equal(count, all.Distinct().Count());
            Packet.Free(all);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_burst_larger_than_the_cache_leaves_the_cache_of_the_next_lcore_alone()
    {
        using var test = new TestPool(count: 2000, cacheSize: 256, dataRoom: 0);
        using (test.EnterLcore(1))
            Allocated(test.Pool, 10).Free();
        Packet[] burst = Allocated(test.Pool, 385).Packets;
        using (test.EnterLcore(0))
        {
            Allocated(test.Pool, 300).Free();
            Packet.Free(burst);
        }

        Assert.Equal(0, test.Pool.Statistics.InUse);
        Assert.Equal(2000, TakeAllFrom(test, lcores: 2).Distinct().Count());
    }

    [Fact]
    public void Only_lcores_of_the_pools_own_runtime_have_a_cache()
    {
        using var test = new TestPool(count: 1000, cacheSize: 32);
        using var other = new TestPool(count: 1000, cacheSize: 32);
        using IDisposable lcore = test.EnterLcore(0);
        Allocated(test.Pool, 4).Free();
        Allocated(other.Pool, 4).Free();
        var stranger = new Thread(() => Allocated(test.Pool, 4).Free());
        stranger.Start();
        stranger.Join();

        Assert.Equal((4UL, 4UL), (test.Pool.Statistics.CacheGets, test.Pool.Statistics.CachePuts));
        Assert.Equal(new MempoolStatistics(1000, 1000, 0, 0, 0, 0, 0), other.Pool.Statistics);
    }

    [Fact]
    public void A_lcore_beyond_those_that_the_pool_was_made_for_has_no_cache()
    {
        using var test = new TestPool(count: 100, cacheSize: 8);
        using IDisposable lcore = test.EnterLcore(TestPool.Lcores);
        Allocated(test.Pool, 4).Free();

        Assert.Equal(new MempoolStatistics(100, 100, 0, 0, 0, 0, 0), test.Pool.Statistics);
    }

    [Fact]
    public void Gets_and_puts_that_alternate_reach_the_shared_ring_once()
    {
        using var test = new TestPool(count: 1000, cacheSize: 256);
        using IDisposable lcore = test.EnterLcore(3);
        for (int i = 0; i < 100; i++)
            Allocated(test.Pool, 32).Free();

        Assert.Equal(new MempoolStatistics(1000, 1000, 3200, 3200, 288, 0, 0), test.Pool.Statistics);
        Packet[] burst = new Packet[1001];
        Assert.False(test.Pool.TryAllocateRaw(burst));
        Assert.Equal(1UL, test.Pool.Statistics.Failures);
    }

    [Fact]
    public void A_lcore_that_only_frees_hands_on_most_of_a_full_cache()
    {
        using var test = new TestPool(count: 1000, cacheSize: 256);
        Packet[] all = TakeAll(test.Pool);
        using IDisposable lcore = test.EnterLcore(0);
        for (int i = 0; i < 960; i += 32)
            Packet.Free(all.AsSpan(i, 32));
        MempoolStatistics statistics = test.Pool.Statistics;

        Assert.Equal((960, 960UL), (statistics.Available, statistics.CachePuts));
        Assert.InRange(statistics.RingPuts, 960UL - 384, 960UL);
        Packet.Free(all.AsSpan(960));
    }

    [Fact]
    public void Lcores_that_pass_buffers_around_lose_none()
    {
        const int Count = 3000, Rounds = 5_000;
        using var test = new TestPool(Count, cacheSize: 64, dataRoom: 0);
        using var passing = new Dataplane.Rings.MpmcRing<Packet>(1024);
        Thread[] threads = [.. Enumerable.Range(0, TestPool.Lcores + 1).Select(index => new Thread(() =>
        {
            // The last one is no lcore.
            using IDisposable? lcore = index < TestPool.Lcores ? test.EnterLcore(index) : null;
            var random = new Random(index);
            var burst = new Packet[150];
            for (int i = 0; i < Rounds; i++)
            {
                Span<Packet> some = burst.AsSpan(0, random.Next(1, burst.Length));
                if (random.Next(2) == 0 && test.Pool.TryAllocateRaw(some))
                {
                    foreach (Packet packet in some)
                    {
                        packet.Mbuf->SegmentCount = 1;
                        packet.Mbuf->Flags = MbufFlags.None;
                    }

                    Packet.Free(some[passing.EnqueueBurst(some)..]);
                }

                Packet.Free(some[..passing.DequeueBurst(some)]);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();

        var left = new Packet[1024];
        Packet.Free(left.AsSpan(0, passing.DequeueBurst(left)));
        Assert.Equal(Count, test.Pool.Statistics.Available);
        Assert.Equal(Count, TakeAllFrom(test, TestPool.Lcores).Distinct().Count());
    }

    [Theory]
    [InlineData(0, 256, 2048)]
    [InlineData(-1, 256, 2048)]
    [InlineData(1, -1, 2048)]
    [InlineData(1, 513, 2048)]
    [InlineData(1, 256, -1)]
    [InlineData(1, 256, 65408)]
    public void Impossible_options_are_refused(int count, int cacheSize, int dataRoom) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new TestPool(count, cacheSize, dataRoom).Dispose());

    [Fact]
    public void Disposing_gives_the_memory_back_once()
    {
        using var test = new TestPool();
        Mempool other = test.NewPool(count: 10);
        byte* address = other.Zone.Address;
        other.Dispose();
        other.Dispose();
        using Mempool again = test.NewPool(count: 10);

        Assert.Equal((nuint)address, (nuint)again.Zone.Address);
    }

    [Fact]
    public void Only_indices_that_a_runtime_has_make_a_lcore()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => LcoreContext.Enter(0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => LcoreContext.Enter(1, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LcoreContext.Enter(1, LcoreContext.MaxLcores));
        Assert.Equal(-1, LcoreContext.IndexFor(1));
    }

#if DEBUG
    [Fact]
    public void A_buffer_that_is_freed_twice_is_caught_in_debug_builds()
    {
        using var test = new TestPool(cacheSize: 8);
        Packet packet = test.Allocate();
        packet.Free();

        var caught = Assert.Throws<InvalidOperationException>(packet.Free);
        Assert.Contains("freed twice", caught.Message, StringComparison.Ordinal);
        Packet other = test.Allocate();
        using IDisposable lcore = test.EnterLcore(0);
        Assert.Throws<InvalidOperationException>(() => Packet.Free([other, other]));
    }

    [Fact]
    public void A_buffer_that_is_freed_into_another_pool_is_caught_in_debug_builds()
    {
        using var test = new TestPool();
        using Mempool other = test.NewPool(count: 4);
        Packet packet = test.Allocate();

        var caught = Assert.Throws<InvalidOperationException>(() => other.FreeRaw([packet]));
        Assert.Contains("is not of", caught.Message, StringComparison.Ordinal);
        packet.Free();
    }
#endif

    private static (Packet[] Packets, Action Free) Allocated(Mempool pool, int count)
    {
        var packets = new Packet[count];
        Assert.True(pool.TryAllocateRaw(packets));
        return (packets, () => Packet.Free(packets));
    }

    private static Packet[] TakeAll(Mempool pool) => Allocated(pool, pool.Capacity).Packets;

    /// <summary>Takes buffers one by one as each lcore, so that those in its cache are found as well as those in the ring.</summary>
    private static List<Packet> TakeAllFrom(TestPool test, int lcores)
    {
        var all = new List<Packet>();
        for (int i = 0; i < lcores; i++)
        {
            using IDisposable lcore = test.EnterLcore(i);
            while (test.Pool.TryAllocate(out Packet packet))
                all.Add(packet);
        }

        return all;
    }
}
