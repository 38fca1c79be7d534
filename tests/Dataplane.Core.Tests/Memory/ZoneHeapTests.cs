using Dataplane.Memory;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Memory;

public sealed class ZoneHeapTests
{
    private const ulong Start = 0x1_0000_0000;
    private const ulong Length = 1 << 16;

    [Fact]
    public void Random_allocations_never_overlap_and_freeing_all_leaves_one_block() =>
        Prop.ForAll<(ushort Size, byte AlignmentLog, bool Free, ushort Victim, bool Contiguous)[]>(steps =>
        {
            ulong[] seams = [Start + 4096, Start + 12288, Start + 40960];
            var heap = new ZoneHeap(Start, Length, seams);
            var live = new List<(ulong Address, ulong Length)>();
            foreach (var step in steps)
            {
                if (step.Free && live.Count > 0)
                {
                    (ulong address, ulong length) = live[step.Victim % live.Count];
                    live.RemoveAt(step.Victim % live.Count);
                    heap.Free(address, length);
                }
                else
                {
                    ulong length = 1UL + (step.Size % 9000u), alignment = 1UL << (step.AlignmentLog % 14);
                    if (!heap.TryAllocate(length, alignment, step.Contiguous, out ulong address))
                        continue;
                    Assert.Equal(0ul, address % alignment);
                    Assert.InRange(address, Start, Start + Length - length);
                    Assert.DoesNotContain(live, z => address < z.Address + z.Length && z.Address < address + length);
                    if (step.Contiguous)
                        Assert.DoesNotContain(seams, s => s > address && s < address + length);
                    live.Add((address, length));
                }

                ulong free = heap.FreeBlocks.Aggregate(0ul, (sum, b) => sum + b.Length);
                Assert.Equal(Length, free + live.Aggregate(0ul, (sum, z) => sum + z.Length));
            }

            foreach ((ulong address, ulong length) in live)
                heap.Free(address, length);
            Assert.Equal([new ZoneHeap.Block(Start, Length)], heap.FreeBlocks);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_lowest_place_that_fits_is_taken()
    {
        var heap = new ZoneHeap(Start, Length);
        Assert.True(heap.TryAllocate(100, 1, false, out ulong first));
        Assert.True(heap.TryAllocate(100, 1, false, out _));
        heap.Free(first, 100);

        Assert.True(heap.TryAllocate(101, 1, false, out ulong tooLarge));
        Assert.True(heap.TryAllocate(100, 1, false, out ulong fits));
        Assert.Equal((Start + 200, Start), (tooLarge, fits));
    }

    [Fact]
    public void Freeing_what_is_free_is_refused()
    {
        var heap = new ZoneHeap(Start, Length);
        Assert.True(heap.TryAllocate(100, 1, false, out ulong address));
        heap.Free(address, 100);

        Assert.Throws<ArgumentException>(() => heap.Free(address, 100));
        Assert.Throws<ArgumentException>(() => heap.Free(Start - 1, 1));
    }
}
