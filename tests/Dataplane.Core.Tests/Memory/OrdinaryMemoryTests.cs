using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Core.Tests.Memory;

public sealed unsafe class OrdinaryMemoryTests
{
    private static readonly MemoryOptions NoHuge = new() { NoHuge = true };

    [Fact]
    public void Zones_are_zeroed_aligned_and_do_not_overlap()
    {
        using DataplaneMemory memory = Create();
        using MemoryZone first = memory.Allocate("first", 1000);
        using MemoryZone second = memory.Allocate("second", 5000, alignment: 4096);

        Assert.Equal(-1, first.Span.IndexOfAnyExcept((byte)0));
        Assert.Equal(5000, second.Span.Length);
        Assert.Equal(0u, (nuint)first.Address % 128);
        Assert.Equal(0u, (nuint)second.Address % 4096);
        first.Span.Fill(1);
        Assert.Equal(-1, second.Span.IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void A_freed_zone_is_reused_and_zeroed_again()
    {
        using DataplaneMemory memory = Create();
        MemoryZone first = memory.Allocate("first", 4096);
        nuint address = (nuint)first.Address;
        first.Span.Fill(0xaa);
        first.Dispose();
        first.Dispose();

        using MemoryZone second = memory.Allocate("second", 8192);
        Assert.Equal(address, (nuint)second.Address);
        Assert.Equal(-1, second.Span.IndexOfAnyExcept((byte)0));
        Assert.Single(memory.Segments);
    }

    [Fact]
    public void A_zone_larger_than_every_segment_gets_a_new_one()
    {
        using DataplaneMemory memory = Create();
        using MemoryZone small = memory.Allocate("small", 1);
        using MemoryZone large = memory.Allocate("large", 5 << 20);

        Assert.Equal(2, memory.Segments.Count);
        Assert.NotSame(small.Segment, large.Segment);
        Assert.True(large.Segment.Contains(large.Address));
        Assert.False(large.Segment.Contains(small.Address));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whoever_maps_the_file_of_a_segment_sees_the_same_bytes(bool singleFile)
    {
        using DataplaneMemory memory = Create(NoHuge with { SingleFileSegments = singleFile });
        using MemoryZone first = memory.Allocate("first", 3 << 20);
        using MemoryZone second = memory.Allocate("second", 3 << 20);
        Assert.Equal(singleFile, first.Segment.File == second.Segment.File);
        second.Span.Fill(0x5a);

        MemorySegment segment = second.Segment;
        var peer = (byte*)Libc.Mmap(
            null, segment.Length, Libc.PROT_READ, Libc.MAP_SHARED, segment.File, segment.FileOffset);
        try
        {
            var seen = new ReadOnlySpan<byte>(peer + (second.Address - segment.Address), (int)second.Length);
            Assert.Equal(-1, seen.IndexOfAnyExcept((byte)0x5a));
        }
        finally
        {
            _ = Libc.Munmap(peer, segment.Length);
        }
    }

    [Fact]
    public void Instances_of_one_process_have_their_own_addresses_below_39_bits()
    {
        using DataplaneMemory one = Create();
        using DataplaneMemory two = Create();
        using MemoryZone zone = two.Allocate("zone", 100);

        Assert.NotEqual(one.Identity, two.Identity);
        Assert.InRange((ulong)zone.Address, 1UL << 32, (1UL << 39) - 100);
        Assert.Equal((ulong)zone.Address, two.IovaOf(zone.Address));
        Assert.Empty(one.Segments);
    }

    [Fact]
    public void Memory_starts_where_the_user_says_or_a_notice_tells_that_it_does_not()
    {
        foreach (ulong wanted in (ulong[])[0x34_0000_0000, 0x3000_0000_0000])
        {
            var log = new RecordingLogger();
            using DataplaneMemory first = Create(NoHuge with { BaseVirtualAddress = wanted }, log);
            Assert.Equal(wanted, (ulong)first.Allocate("zone", 1).Address);
            Assert.Empty(log.Lines);

            using DataplaneMemory second = Create(NoHuge with { BaseVirtualAddress = wanted }, log);
            var moved = (ulong)second.Allocate("zone", 1).Address;
            Assert.True(moved > wanted);
            Assert.Equal(
                [$"Memory starts at 0x{moved:x}, not at --base-virtaddr 0x{wanted:x}, which is taken or no multiple of 1 GiB"],
                log.Lines);
        }
    }

    [Fact]
    public void More_than_any_address_space_holds_is_refused()
    {
        using DataplaneMemory memory = Create();
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Allocate("zone", nuint.MaxValue - 100));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Allocate("zone", 1, alignment: unchecked((nuint)(1UL << 63))));
        Assert.Throws<DataplaneException>(() => memory.Allocate("zone", unchecked((nuint)(1UL << 50))));
    }

    [Fact]
    public void A_watcher_sees_the_segments_of_before_and_of_later_until_it_leaves()
    {
        using DataplaneMemory memory = Create();
        using MemoryZone before = memory.Allocate("before", 100);
        var seen = new List<MemorySegment>();
        IDisposable watch = memory.WatchSegments(seen.Add);
        using MemoryZone later = memory.Allocate("later", 10 << 20);
        watch.Dispose();
        using MemoryZone unseen = memory.Allocate("unseen", 20 << 20);

        Assert.Equal([before.Segment, later.Segment], seen);
    }

    [Fact]
    public void A_segment_that_a_watcher_refuses_is_not_used()
    {
        using DataplaneMemory memory = Create();
        using (memory.WatchSegments(_ => throw new DataplaneException("the IOMMU is full")))
            Assert.Throws<DataplaneException>(() => memory.Allocate("refused", 100));

        Assert.Empty(memory.Segments);
        using MemoryZone zone = memory.Allocate("accepted", 100);
        Assert.Single(memory.Segments);
    }

    private static DataplaneMemory Create(MemoryOptions? options = null, ILogger? logger = null) =>
        DataplaneMemory.Create(options ?? NoHuge, logger ?? NullLogger.Instance);
}
