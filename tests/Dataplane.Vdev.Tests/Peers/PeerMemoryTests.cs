using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Vhost;

namespace Dataplane.Vdev.Tests.Peers;

public unsafe class PeerMemoryTests
{
    private static readonly int Page = Environment.SystemPageSize;

    [Fact]
    public void A_part_at_any_byte_is_the_file_s_memory_until_the_last_user_is_gone()
    {
        using var file = new SharedFile(3 * Page);
        PeerMemory whole = PeerMemory.Map(file.Handle, 0, (ulong)(3 * Page), "region 0");
        PeerMemory part = PeerMemory.Map(file.Handle, (ulong)Page + 5, (ulong)Page, "region 1");
        whole.Address[Page + 5] = 77;
        Assert.Equal(77, part.Address[0]);
        Assert.Equal(((ulong)Page, false, 2), (part.Length, part.IsLost, file.MappingCount));
        Assert.Same(part, part.Acquire());
        part.Release();
        Assert.Equal(2, file.MappingCount);
        part.Release();
        whole.Release();
        Assert.Equal(0, file.MappingCount);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 4097)]
    [InlineData(1, 4096)]
    [InlineData(4096, 1)]
    [InlineData(ulong.MaxValue, 2)]
    [InlineData(2, ulong.MaxValue)]
    [InlineData(1UL << 63, 1UL << 63)]
    public void What_the_file_does_not_have_is_a_violation(ulong offset, ulong length)
    {
        using var file = new SharedFile(4096);
        Exception failure = Assert.Throws<PeerViolationException>(() => PeerMemory.Map(file.Handle, offset, length, "region 7"));
        Assert.Equal($"sent region 7 of {length} bytes at offset {offset}, but its file has 4096 bytes", failure.Message);
        Assert.Equal(0, file.MappingCount);
    }

    [Fact]
    public void What_cannot_be_mapped_is_a_violation()
    {
        using var signal = new EventFd();
        Assert.Throws<PeerViolationException>(() => PeerMemory.Map(signal.Handle, 0, 1, "region 0"));
        using var file = new SharedFile(4096);
        using (var served = File.OpenHandle("/proc/cpuinfo", FileMode.Open, FileAccess.Read))
            Assert.Throws<PeerViolationException>(() => PeerMemory.Map(served, 0, 1, "region 0"));
        using var readOnly = Libc.Open($"/proc/self/fd/{file.Handle.DangerousGetHandle()}", Libc.O_RDONLY | Libc.O_CLOEXEC);
        Assert.Throws<PeerViolationException>(() => PeerMemory.Map(readOnly, 0, 4096, "region 0"));
    }

    [Fact]
    public void Seals_are_seen()
    {
        using var file = new SharedFile(4096);
        PeerMemory before = PeerMemory.Map(file.Handle, 0, 4096, "region 0");
        Assert.Equal(0, Libc.Fcntl(file.Handle, Libc.F_ADD_SEALS, Libc.F_SEAL_SHRINK));
        PeerMemory after = PeerMemory.Map(file.Handle, 0, 4096, "region 0");
        Assert.Equal((false, true), (before.IsSealedAgainstShrinking, after.IsSealedAgainstShrinking));
        before.Release();
        after.Release();
    }

    [Fact]
    public void A_file_that_is_cut_while_managed_code_reads_it_is_lost_and_nothing_else_is()
    {
        using var file = new SharedFile(4 * Page);
        using var other = new SharedFile(Page);
        PeerMemory memory = PeerMemory.Map(file.Handle, 0, (ulong)(4 * Page), "region 0");
        PeerMemory bystander = PeerMemory.Map(other.Handle, 0, (ulong)Page, "region 1");
        new Span<byte>(memory.Address, 4 * Page).Fill(1);
        bystander.Address[0] = 9;
        long sum = 0;
        using var reading = new ManualResetEventSlim();
        Thread[] readers = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            long mine = 0;
            while (!memory.IsLost)
            {
                for (int i = 0; i < 4 * Page; i++)
                    mine += Volatile.Read(ref memory.Address[i]);
                reading.Set();
            }

            Interlocked.Add(ref sum, mine);
        }))];
        Array.ForEach(readers, reader => reader.Start());
        reading.Wait();
        file.Resize(Page);
        Array.ForEach(readers, reader => reader.Join());

        Assert.NotEqual(0, sum);
        Assert.Equal((0, 9, false), (memory.Address[0], bystander.Address[0], bystander.IsLost));
        memory.Address[0] = 5;
        Assert.Equal(5, memory.Address[0]);
        memory.Release();
        bystander.Release();
        Assert.Equal(0, file.MappingCount + other.MappingCount);
    }

    [Fact]
    public void A_null_reference_is_still_an_exception_after_a_guard_was_added()
    {
        using var file = new SharedFile(Page);
        PeerMemory.Map(file.Handle, 0, 1, "region 0").Release();
        Assert.Throws<NullReferenceException>(() => ((string?)null)!.Length);
    }

    [Fact]
    public void Slots_come_back_however_often_memory_is_mapped()
    {
        using var file = new SharedFile(Page);
        for (int i = 0; i < 3000; i++)
            PeerMemory.Map(file.Handle, 0, 1, "region 0").Release();
        Assert.Equal(0, file.MappingCount);
    }

    [Fact]
    public void Many_peers_may_have_as_many_regions_as_one_may_have()
    {
        using var file = new SharedFile(Page);
        PeerMemory[] regions = [.. Enumerable.Range(0, 16 * VhostMemory.MaxRegions).Select(_ => PeerMemory.Map(file.Handle, 0, 1, "region 0"))];
        Array.ForEach(regions, region => region.Release());
        Assert.Equal(0, file.MappingCount);
    }

    [SkippableFact]
    public void Hugepages_are_mapped_lost_and_unmapped_as_whole_pages()
    {
        const int Huge = 2 << 20;
        using HugepageReservation pages = HugepageReservation.Take(Huge, 4);
        Skip.If(pages.Count < 4, "the kernel has no four hugepages left");
        using var file = new SharedFile(4 * Huge, Libc.MFD_HUGETLB | (21u << Libc.MFD_HUGE_SHIFT));
        PeerMemory memory = PeerMemory.Map(file.Handle, Huge + 100, Huge + 100, "region 0");
        memory.Address[Huge] = 3;
        Assert.Equal(3, memory.Address[Huge]);
        file.Resize(0);
        Assert.Equal(0, Volatile.Read(ref memory.Address[Huge]));
        Assert.True(memory.IsLost);
        memory.Release();
        Assert.Equal(0, file.MappingCount);
    }
}
