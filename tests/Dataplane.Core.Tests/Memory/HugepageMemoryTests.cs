using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Core.Tests.Memory;

[Collection(HugepageCollection.Name)]
public sealed unsafe class HugepageMemoryTests(HugepageFixture hugepages)
{
    private static readonly nuint Tebibyte = unchecked((nuint)(1UL << 40));
    private static readonly MemoryOptions InMemory = new() { InMemory = true };

    [Fact]
    public void In_memory_pages_are_huge_present_and_shared_through_the_file()
    {
        using DataplaneMemory memory = Create(InMemory);
        using MemoryZone zone = memory.Allocate("zone", 5 << 20);
        MemorySegment segment = zone.Segment;

        Assert.Equal((6u << 20, HugepageFixture.PageSize), ((ulong)segment.Length, (ulong)segment.PageSize));
        Assert.Equal(3, Pagemap.Read(segment.Address, segment.Length, segment.PageSize).Distinct().Count());
        zone.Span.Fill(7);
        var peer = (byte*)Libc.Mmap(
            null, segment.Length, Libc.PROT_READ, Libc.MAP_SHARED, segment.File, segment.FileOffset);
        Assert.Equal(-1, new ReadOnlySpan<byte>(peer + (zone.Address - segment.Address), 5 << 20).IndexOfAnyExcept((byte)7));
        Assert.Equal(0, Libc.Munmap(peer, segment.Length));
    }

    [Fact]
    public void More_pages_than_are_free_are_refused_with_the_command_to_add_them()
    {
        using DataplaneMemory memory = Create(InMemory);
        var refused = Assert.Throws<DataplaneException>(() => memory.Allocate("pool", Tebibyte));
        Assert.Matches(
            @"^Cannot get 1024 GiB of hugepage memory for 'pool': (1024 hugepages of 1 GiB are needed and \d+ are free, or )?"
            + @"524288 hugepages of 2 MiB are needed and \d+ are free; run 'echo \d+ > /[a-z0-9_/kBM-]+/nr_hugepages'$",
            refused.Message);
        memory.Allocate("smaller", 1 << 20).Dispose();
    }

    [Fact]
    public void A_machine_that_has_fewer_pages_than_it_said_gives_an_error_and_no_signal()
    {
        using FakeMachine machine = MachineWithManyPages();
        using DataplaneMemory memory = DataplaneMemory.Create(InMemory, NullLogger.Instance, machine.Files);

        var refused = Assert.Throws<DataplaneException>(() => memory.Allocate("pool", Tebibyte));
        Assert.StartsWith(
            "Cannot get 1024 GiB of hugepage memory for 'pool': cannot map 1024 GiB of 2 MiB hugepages: "
            + "Cannot allocate memory",
            refused.Message,
            StringComparison.Ordinal);
        using MemoryZone zone = memory.Allocate("smaller", 1 << 20);
        zone.Span.Fill(1);
    }

    [Fact]
    public void Addresses_that_the_kernel_could_not_map_pages_to_stay_reserved()
    {
        using FakeMachine machine = MachineWithManyPages();
        using DataplaneMemory memory = DataplaneMemory.Create(InMemory, NullLogger.Instance, machine.Files);
        Assert.Throws<DataplaneException>(() => memory.Allocate("pool", Tebibyte / 64));

        // The kernel unmaps what was there before it asks for the pages. Nobody else may find the hole.
        void* stranger = Libc.MmapAnonymous(
            (void*)memory.Identity, 4096, Libc.PROT_NONE, Libc.MAP_PRIVATE | Libc.MAP_FIXED_NOREPLACE);
        Assert.True(stranger == Libc.MapFailed);
    }

    [SkippableFact]
    public void A_real_limit_of_a_cgroup_is_told_and_where_it_is_not_seen_gives_an_error_and_no_signal()
    {
        using HugetlbCgroup? group = HugetlbCgroup.TryCreate(limit: 8 << 20);
        Skip.If(group is null, "the machine gives us no cgroup with a hugetlb controller");
        using DataplaneMemory memory = Create(InMemory);
        memory.Allocate("first", 2 << 20);
        var refused = Assert.Throws<DataplaneException>(() => memory.Allocate("second", 8 << 20));
        Assert.Contains(
            $"the cgroup's limit of 8 MiB leaves 6 MiB ({group.LimitFile})", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("; raise the pod's limit to 'hugepages-2Mi: 10Mi'", refused.Message, StringComparison.Ordinal);

        using FakeMachine blind = MachineWithManyPages();
        using DataplaneMemory reckless = DataplaneMemory.Create(InMemory, NullLogger.Instance, blind.Files);
        refused = Assert.Throws<DataplaneException>(() => reckless.Allocate("third", 8 << 20));
        Assert.EndsWith(
            "cannot populate 8 MiB of 2 MiB hugepages: Bad address (another process was faster, or a limit was met)",
            refused.Message,
            StringComparison.Ordinal);
        using MemoryZone zone = reckless.Allocate("fourth", 6 << 20);
        zone.Span.Fill(1);
    }

    [Fact]
    public void Kernels_without_populate_get_their_pages_or_the_same_error()
    {
        using var source = new MemfdSource((nuint)HugepageFixture.PageSize, huge: true, singleFile: false, "old-kernel");
        MemorySegment segment = source.AddSegment(8 << 20, 0, file => Map(file, 8 << 20));
        Assert.Equal(4, Pagemap.Read(segment.Address, segment.Length, segment.PageSize).Distinct().Count());
        _ = Libc.Munmap(segment.Address, segment.Length);

        var refused = Assert.Throws<DataplaneException>(() => source.AddSegment(Tebibyte, 0, file => Map(file, Tebibyte)));
        Assert.Matches("^cannot populate 1024 GiB of 2 MiB hugepages: ", refused.Message);

        MemorySegment Map(SegmentFile file, nuint length)
        {
            var address = (byte*)Libc.Mmap(
                null, length, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED | Libc.MAP_NORESERVE, file.Handle, 0);
            SegmentMapper.PopulateByTouching(address, length, source, file);
            return new MemorySegment(address, length, source.PageSize, 0, file.Handle, 0);
        }
    }

    [SkippableFact]
    public void Gigabyte_pages_serve_what_fills_them_and_small_ones_the_rest()
    {
        Skip.IfNot(hugepages.HasGigabytePages, "the kernel has no contiguous GiB left");
        using DataplaneMemory memory = Create(InMemory);
        using MemoryZone small = memory.Allocate("small", 1 << 20);
        using MemoryZone large = memory.Allocate("large", 1 << 30);

        Assert.Equal((2u << 20, 1u << 30), ((ulong)small.Segment.PageSize, (ulong)large.Segment.PageSize));
        Assert.Equal(0ul, (ulong)large.Address % (1 << 30));
        large.Address[(1 << 30) - 1] = 1;
    }

    [Fact]
    public void Physical_addresses_are_those_of_the_pagemap_and_stay()
    {
        using DataplaneMemory memory = Create(InMemory with { IovaMode = IovaMode.Pa });
        using MemoryZone zone = memory.Allocate("zone", 7 << 20);
        Assert.Equal(IovaMode.Pa, memory.IovaMode);

        ulong[] first = Iovas(memory, zone);
        using (FileStream pagemap = File.OpenRead("/proc/self/pagemap"))
        {
            for (int i = 0; i < first.Length; i++)
            {
                ulong entry = 0;
                pagemap.Position = (long)((ulong)(zone.Address + (i * 4096)) / (ulong)Environment.SystemPageSize * 8);
                pagemap.ReadExactly(MemoryMarshal.AsBytes(new Span<ulong>(ref entry)));
                Assert.Equal(((entry & ((1UL << 55) - 1)) * (ulong)Environment.SystemPageSize), first[i]);
            }
        }

        zone.Span.Fill(1);
        Assert.Equal(first, Iovas(memory, zone));
        Assert.Equal(first[0] + 5, memory.IovaOf(zone.Address + 5));
        Assert.Throws<ArgumentException>(() => memory.IovaOf(zone.Segment.Address - 1));
    }

    [Fact]
    public void A_contiguous_zone_has_rising_physical_addresses()
    {
        using DataplaneMemory memory = Create(InMemory with { IovaMode = IovaMode.Pa });
        using MemoryZone offCentre = memory.Allocate("one", 64);
        for (int i = 0; i < 20; i++)
        {
            MemoryZone zone = memory.Allocate("ring", (nuint)(100 << 10) * (nuint)(i + 1) % (2 << 20), contiguous: true);
            for (nuint offset = 0; offset < zone.Length; offset += 64)
                Assert.Equal(memory.IovaOf(zone.Address) + offset, memory.IovaOf(zone.Address + offset));
        }
    }

    [Fact]
    public void Memory_asked_for_at_start_is_there_at_start()
    {
        using DataplaneMemory any = Create(InMemory with { Megabytes = 5 });
        Assert.Equal(6u << 20, any.Segments.Aggregate(0UL, (sum, s) => sum + s.Length));
        using MemoryZone zone = any.Allocate("zone", 6 << 20);
        Assert.Single(any.Segments);

        using DataplaneMemory perNode = Create(new MemoryOptions { MegabytesPerNode = [8], FilePrefix = "per-node" });
        Assert.Equal((8u << 20, 0), ((ulong)Assert.Single(perNode.Segments).Length, perNode.Segments[0].NumaNode));
    }

    [Fact]
    public void Memory_asked_for_at_start_that_is_not_to_be_had_is_an_error()
    {
        var refused = Assert.Throws<DataplaneException>(() => Create(InMemory with { Megabytes = 1 << 20 }));
        Assert.StartsWith("Cannot get 1024 GiB of hugepage memory for -m: ", refused.Message, StringComparison.Ordinal);
        refused = Assert.Throws<DataplaneException>(() => Create(new MemoryOptions { MegabytesPerNode = [0, 0, 0, 4] }));
        Assert.Equal("There is no memory of NUMA node 3 for this process, which may use: 0", refused.Message);
    }

    [Fact]
    public void A_limit_per_node_holds()
    {
        using DataplaneMemory memory = Create(InMemory with { LimitPerNode = [8] });
        memory.Allocate("first", 6 << 20);
        var refused = Assert.Throws<DataplaneException>(() => memory.Allocate("second", 4 << 20));
        Assert.EndsWith(
            "--socket-limit of 8 MiB leaves 2 MiB on NUMA node 0; raise --socket-limit", refused.Message, StringComparison.Ordinal);
        memory.Allocate("third", 2 << 20);
    }

    [Fact]
    public void Without_options_hugepages_are_used_if_there_are_enough()
    {
        var log = new RecordingLogger();
        using DataplaneMemory memory = DataplaneMemory.Create(new MemoryOptions { FilePrefix = "default" }, log);
        using MemoryZone zone = memory.Allocate("zone", 1 << 20);

        Assert.Equal(HugepageFixture.PageSize, zone.Segment.PageSize);
        Assert.Empty(log.Lines);
    }

    [Fact]
    public void A_kernel_without_hugepages_gets_the_notice_and_no_huge_does_not()
    {
        using var machine = new FakeMachine();
        foreach (bool noHuge in (bool[])[false, true])
        {
            var log = new RecordingLogger();
            using DataplaneMemory memory = DataplaneMemory.Create(
                new MemoryOptions { NoHuge = noHuge }, log, machine.Files);
            memory.Allocate("zone", 100);
            Assert.Equal(
                noHuge ? []
                    : ["Cannot get 1 MiB of hugepage memory for 'zone': this kernel has no hugepages; "
                        + "ordinary pages are used instead, which is slower"],
                log.Lines);
        }
    }

    [Fact]
    public void What_ordinary_pages_cannot_serve_either_is_an_error_without_a_notice()
    {
        var log = new RecordingLogger();
        using DataplaneMemory memory = DataplaneMemory.Create(
            new MemoryOptions { LimitPerNode = [8], FilePrefix = "limited" }, log);
        var refused = Assert.Throws<DataplaneException>(() => memory.Allocate("pool", 16 << 20));

        Assert.Equal(
            "Cannot get 16 MiB of memory for 'pool': --socket-limit of 8 MiB leaves 8 MiB on NUMA node 0; raise --socket-limit",
            refused.Message);
        Assert.Empty(log.Lines);
    }

    [Fact]
    public void Without_options_and_without_hugepages_one_notice_says_so_and_ordinary_pages_serve()
    {
        using var machine = new FakeMachine();
        machine.Hugepages(2048, total: 4, free: 3);
        machine["/proc/meminfo"] = "MemAvailable: 1000000 kB\nHugepagesize:    2048 kB";
        var log = new RecordingLogger();
        using DataplaneMemory memory = DataplaneMemory.Create(new MemoryOptions(), log, machine.Files);
        using MemoryZone first = memory.Allocate("first", 8 << 20);
        using MemoryZone second = memory.Allocate("second", 16 << 20);

        Assert.Equal((nuint)Environment.SystemPageSize, first.Segment.PageSize);
        Assert.Equal(
            "Cannot get 8 MiB of hugepage memory for 'first': 4 hugepages of 2 MiB are needed and 3 are free; "
            + "run 'echo 32 > /proc/sys/vm/nr_hugepages'; ordinary pages are used instead, which is slower",
            Assert.Single(log.Lines));
    }

    [Fact]
    public void Options_that_insist_on_hugepages_get_an_error_where_the_kernel_has_none()
    {
        using var machine = new FakeMachine();
        using DataplaneMemory memory = DataplaneMemory.Create(InMemory, NullLogger.Instance, machine.Files);
        var refused = Assert.Throws<DataplaneException>(() => memory.Allocate("pool", 1));
        Assert.Equal("Cannot get 1 MiB of hugepage memory for 'pool': this kernel has no hugepages", refused.Message);
    }

    [Fact]
    public void Physical_addresses_of_ordinary_pages_are_refused()
    {
        var refused = Assert.Throws<DataplaneException>(
            () => Create(new MemoryOptions { NoHuge = true, IovaMode = IovaMode.Pa }));
        Assert.StartsWith("--no-huge and --iova-mode=pa exclude each other", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pages_are_bound_to_the_node_where_there_are_several()
    {
        using var addresses = new AddressRange(null, 1 << 30);
        var mapper = new SegmentMapper(addresses, bindToNode: true, IovaMode.Va, NullLogger.Instance);
        using var source = new MemfdSource((nuint)HugepageFixture.PageSize, huge: true, singleFile: false, "bound-to-node");
        source.AddSegment(
            (nuint)HugepageFixture.PageSize, 0, file => mapper.Map(file, source, (nuint)HugepageFixture.PageSize, 1, node: 0));

        string line = File.ReadLines("/proc/self/numa_maps").Single(l => l.Contains("bound-to-node", StringComparison.Ordinal));
        Assert.Contains(" bind:0 ", line, StringComparison.Ordinal);
    }

    private static FakeMachine MachineWithManyPages()
    {
        var machine = new FakeMachine();
        machine.Hugepages(2048, total: 1 << 20, free: 1 << 20);
        return machine;
    }

    private static DataplaneMemory Create(MemoryOptions options) => DataplaneMemory.Create(options, NullLogger.Instance);

    private static ulong[] Iovas(DataplaneMemory memory, MemoryZone zone)
    {
        var iovas = new ulong[zone.Length / 4096];
        for (int i = 0; i < iovas.Length; i++)
            iovas[i] = memory.IovaOf(zone.Address + (i * 4096));
        return iovas;
    }
}
