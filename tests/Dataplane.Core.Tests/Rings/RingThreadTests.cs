using Dataplane.Rings;

namespace Dataplane.Core.Tests.Rings;

/// <summary>Threads against each other; nothing is timed, and a thread that finds nothing to do lets another run.</summary>
public sealed class RingThreadTests
{
    private const long Items = 3_000_000;

    [Fact]
    public void Two_threads_see_every_item_once_and_in_order()
    {
        using var ring = new SpscRing<long>(1024, start: uint.MaxValue - 1_000_000);
        RunAll(
            () =>
            {
                long[] burst = new long[32];
                for (long next = 0; next < Items;)
                {
                    int length = (int)Math.Min(1 + (next % burst.Length), Items - next);
                    for (int i = 0; i < length; i++)
                        burst[i] = next + i;
                    next += EnqueueAll(ring, burst.AsSpan(0, length), bulk: next % 3 == 0);
                }
            },
            () =>
            {
                long[] burst = new long[27];
                for (long expected = 0; expected < Items;)
                {
                    int count = ring.DequeueBurst(burst);
                    for (int i = 0; i < count; i++, expected++)
                    {
                        if (burst[i] != expected)
                            Assert.Fail($"{burst[i]} came instead of {expected}");
                    }

                    if (count == 0)
                        Thread.Yield();
                }
            });
        Assert.Equal(0, ring.Count);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    [InlineData(1, 3)]
    public void Many_threads_lose_and_double_nothing_and_keep_the_order_of_each_producer(int producers, int consumers)
    {
        using var ring = new MpmcRing<long>(256, start: uint.MaxValue - 1_000_000);
        long perProducer = Items / 2 / producers, taken = 0;
        // An item is its producer and its number; each consumer must see the numbers of a producer rise.
        var sums = new long[producers];
        Action Producer(int producer) => () =>
        {
            long[] burst = new long[32];
            for (long next = 0; next < perProducer;)
            {
                int length = (int)Math.Min(1 + (next % burst.Length), perProducer - next);
                for (int i = 0; i < length; i++)
                    burst[i] = ((long)producer << 32) | (next + i + 1);
                int sent = ring.EnqueueBurst(burst.AsSpan(0, length));
                next += sent;
                if (sent == 0)
                    Thread.Yield();
            }
        };
        Action Consumer(int _) => () =>
        {
            long[] burst = new long[24], last = new long[producers], mine = new long[producers];
            while (Volatile.Read(ref taken) < perProducer * producers)
            {
                int count = ring.DequeueBurst(burst);
                for (int i = 0; i < count; i++)
                {
                    long producer = burst[i] >> 32, number = (uint)burst[i];
                    if (number <= last[producer])
                        Assert.Fail($"{number} of producer {producer} came after {last[producer]}");
                    last[producer] = number;
                    mine[producer] += number;
                }

                if (count == 0)
                    Thread.Yield();
                else
                    Interlocked.Add(ref taken, count);
            }

            for (int i = 0; i < producers; i++)
                Interlocked.Add(ref sums[i], mine[i]);
        };

        RunAll([.. Enumerable.Range(0, producers).Select(Producer), .. Enumerable.Range(0, consumers).Select(Consumer)]);

        // As many as were sent, of which each consumer saw none twice, and the sum is right: none lost, none doubled.
        Assert.Equal(perProducer * producers, taken);
        Assert.All(sums, sum => Assert.Equal(perProducer * (perProducer + 1) / 2, sum));
        Assert.Equal(0, ring.Count);
    }

    [Fact]
    public void A_reader_of_the_count_never_sees_an_impossible_one()
    {
        using var ring = new SpscRing<long>(8, start: uint.MaxValue - 100);
        bool done = false;
        RunAll(
            () =>
            {
                for (int i = 0; i < 200_000; i++)
                {
                    ring.EnqueueBurst([1, 2, 3]);
                    ring.DequeueBurst(new long[3]);
                }

                Volatile.Write(ref done, true);
            },
            () =>
            {
                while (!Volatile.Read(ref done))
                    Assert.InRange(ring.Count, 0, ring.Capacity);
            });
    }

    private static int EnqueueAll(SpscRing<long> ring, ReadOnlySpan<long> items, bool bulk)
    {
        int sent;
        while ((sent = bulk ? (ring.TryEnqueueBulk(items) ? items.Length : 0) : ring.EnqueueBurst(items)) == 0)
            Thread.Yield();
        return sent;
    }

    private static void RunAll(params Action[] bodies)
    {
        var failures = new List<Exception>();
        Thread[] threads = [.. bodies.Select(body => new Thread(() =>
        {
            try
            {
                body();
            }
            catch (Exception e)
            {
                lock (failures)
                    failures.Add(e);
            }
        })
        {
            IsBackground = true,
        })];
        foreach (Thread thread in threads)
            thread.Start();
        // A thread that failed leaves the others waiting for it for ever.
        while (threads.Any(thread => !thread.Join(10)) && !HasFailed())
        {
        }

        lock (failures)
        {
            if (failures.Count != 0)
                throw new AggregateException(failures);
        }

        bool HasFailed()
        {
            lock (failures)
                return failures.Count != 0;
        }
    }
}
