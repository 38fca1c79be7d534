using System.Diagnostics;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Core.Tests.Memory;

[Collection(HugepageCollection.Name)]
public sealed class HugepageFilesTests : IDisposable
{
    private readonly HugetlbfsMountPoint _mount = new();
    private readonly RecordingLogger _log = new();

    public void Dispose() => _mount.Dispose();

    [Theory]
    [InlineData(HugeUnlink.Existing, new[] { "amap_0" }, new string[0])]
    [InlineData(HugeUnlink.Always, new string[0], new string[0])]
    [InlineData(HugeUnlink.Never, new[] { "amap_0" }, new[] { "amap_0" })]
    public void Files_are_there_while_and_after_we_run_as_huge_unlink_says(
        HugeUnlink unlink, string[] during, string[] afterwards)
    {
        using (DataplaneMemory memory = Create("a", unlink))
        {
            using MemoryZone zone = memory.Allocate("zone", 3 << 20);
            zone.Span.Fill(1);
            Assert.Equal(HugepageFixture.PageSize, zone.Segment.PageSize);
            Assert.Equal(4u << 20, zone.Segment.Length);
            Assert.Equal(during, _mount.Files);
            Assert.Equal(60u << 20, _mount.BytesLeft);
        }

        Assert.Equal(afterwards, _mount.Files);
    }

    [Fact]
    public void Nothing_is_left_after_Dispose()
    {
        using (DataplaneMemory memory = Create("nothing-left"))
        {
            memory.Allocate("first", 1 << 20);
            memory.Allocate("second", 10 << 20);
            Assert.Contains("nothing-left", File.ReadAllText("/proc/self/maps"), StringComparison.Ordinal);
        }

        Assert.Empty(_mount.Files);
        Assert.Equal(64u << 20, _mount.BytesLeft);
        Assert.DoesNotContain("nothing-left", File.ReadAllText("/proc/self/maps"), StringComparison.Ordinal);
        Assert.DoesNotContain(
            Directory.EnumerateFiles("/proc/self/fd"),
            fd => new FileInfo(fd).LinkTarget?.Contains("nothing-left", StringComparison.Ordinal) == true);
    }

    [Fact]
    public void Files_that_are_kept_are_used_again_and_zeroed()
    {
        using (DataplaneMemory memory = Create("a", HugeUnlink.Never))
        using (MemoryZone zone = memory.Allocate("all", 60 << 20))
            zone.Span.Fill(0xff);

        // More than the mount has left: it only works with the pages that are in the file already.
        using (DataplaneMemory memory = Create("a", HugeUnlink.Never))
        using (MemoryZone zone = memory.Allocate("all", 60 << 20))
            Assert.Equal(-1, zone.Span.IndexOfAnyExcept((byte)0));
        Assert.Equal(["amap_0"], _mount.Files);
    }

    [Fact]
    public void Files_that_are_kept_stay_even_if_nobody_needs_them()
    {
        _mount.LeaveFile("amap_0");
        Create("a", HugeUnlink.Never).Dispose();
        Assert.Equal(["amap_0"], _mount.Files);
        Create("b", HugeUnlink.Never).Dispose();
        Assert.Equal(["amap_0"], _mount.Files);
    }

    [Fact]
    public void A_directory_may_be_named_by_a_link_or_by_a_relative_path()
    {
        using var folder = new TemporaryFolder();
        string link = folder["link"];
        File.CreateSymbolicLink(link, _mount.Path);
        foreach (string path in (string[])[link, Path.GetRelativePath(".", _mount.Path), _mount.Path + "//"])
        {
            using (DataplaneMemory memory = DataplaneMemory.Create(
                new MemoryOptions { HugeDirectory = path, FilePrefix = "a" }, NullLogger.Instance))
            {
                using MemoryZone zone = memory.Allocate("zone", 100);
                Assert.Equal(["amap_0"], _mount.Files);
            }

            Assert.Empty(_mount.Files);
        }
    }

    [Fact]
    public void In_memory_makes_no_files_in_the_directory_either()
    {
        using DataplaneMemory memory = DataplaneMemory.Create(Options("a") with { InMemory = true }, NullLogger.Instance);
        using MemoryZone zone = memory.Allocate("zone", 100);

        Assert.Equal(HugepageFixture.PageSize, zone.Segment.PageSize);
        Assert.Empty(_mount.Files);
    }

    [Fact]
    public void One_file_holds_all_segments_if_asked()
    {
        using DataplaneMemory memory = DataplaneMemory.Create(
            Options("a") with { SingleFileSegments = true }, NullLogger.Instance);
        using MemoryZone first = memory.Allocate("first", 3 << 20);
        using MemoryZone second = memory.Allocate("second", 3 << 20);

        Assert.Equal(["amap_0"], _mount.Files);
        Assert.Same(first.Segment.File, second.Segment.File);
        Assert.Equal((0, 4 << 20), (first.Segment.FileOffset, second.Segment.FileOffset));
    }

    [Fact]
    public void Files_of_dead_processes_with_the_prefix_are_removed_and_no_others()
    {
        using Process killed = _mount.LockFile("amap_7");
        killed.Kill();
        killed.WaitForExit();
        foreach (string name in (string[])["amap_0", "bmap_0", "amap_x", "amap_01", "notes"])
            _mount.LeaveFile(name);

        using (Create("a"))
            Assert.Equal(["amap_0", "amap_01", "amap_x", "bmap_0", "notes"], _mount.Files);
        Assert.Equal(["amap_01", "amap_x", "bmap_0", "notes"], _mount.Files);
        Assert.Equal([$"Removed 2 hugepage files of a dead process in {_mount.Path}"], _log.Lines);
    }

    [Fact]
    public void A_prefix_in_use_is_refused_with_the_process_that_has_it()
    {
        using Process holder = _mount.LockFile("amap_0");
        try
        {
            var refused = Assert.Throws<DataplaneException>(() => Create("a"));
            Assert.Equal(
                $"The file prefix 'a' is in use: process {holder.Id} has {_mount.Path}/amap_0; "
                + "give every process its own with --file-prefix=NAME",
                refused.Message);
            Assert.Equal(["amap_0"], _mount.Files);
            Create("b").Dispose();
            Create("a", HugeUnlink.Always).Dispose();
            Assert.Equal(["amap_0"], _mount.Files);
        }
        finally
        {
            holder.Kill();
            holder.WaitForExit();
        }
    }

    [Fact]
    public void Two_instances_of_one_process_keep_apart_even_with_one_prefix()
    {
        _mount.LeaveFile("amap_0");
        using (DataplaneMemory one = Create("a"), two = Create("a"), other = Create("b"))
        {
            using MemoryZone first = one.Allocate("zone", 100), second = two.Allocate("zone", 100);
            first.Span.Fill(1);

            Assert.Equal(-1, second.Span.IndexOfAnyExcept((byte)0));
            Assert.Equal(["amap_0", "amap_1", "bmap_0"], _mount.Files);
        }

        Assert.Empty(_mount.Files);
    }

    [Fact]
    public void A_descriptor_that_a_peer_has_does_not_keep_the_file_locked()
    {
        using (DataplaneMemory memory = Create("a", HugeUnlink.Never))
        {
            using MemoryZone zone = memory.Allocate("zone", 100);
            var descriptor = $"/proc/{Environment.ProcessId}/fd/{zone.Segment.File.DangerousGetHandle()}";
            using var peer = Libc.Open(descriptor, Libc.O_RDWR | Libc.O_CLOEXEC);
            memory.Dispose();
            using DataplaneMemory next = Create("a");
        }

        Assert.Empty(_mount.Files);
    }

    [Fact]
    public void More_than_the_mount_may_hold_is_refused()
    {
        using DataplaneMemory memory = Create("a");
        var refused = Assert.Throws<DataplaneException>(() => memory.Allocate("pool", 66 << 20));
        Assert.Equal(
            $"Cannot get 66 MiB of hugepage memory for 'pool': the size= option of the mount leaves 64 MiB of "
            + $"2 MiB hugepages of {_mount.Path}; mount it with a larger size=",
            refused.Message);
        memory.Allocate("pool", 64 << 20).Dispose();
    }

    [Fact]
    public void A_directory_that_is_no_hugetlbfs_is_refused_with_the_command_to_mount_one()
    {
        var options = new MemoryOptions { HugeDirectory = "/tmp" };
        var refused = Assert.Throws<DataplaneException>(() => DataplaneMemory.Create(options, NullLogger.Instance));
        Assert.StartsWith(
            "Cannot use --huge-dir /tmp: it is not on a hugetlbfs; "
            + "run 'mkdir -p /mnt/huge && mount -t hugetlbfs nodev /mnt/huge' and give --huge-dir=/mnt/huge",
            refused.Message,
            StringComparison.Ordinal);

        options = new MemoryOptions { HugeDirectory = "/nowhere" };
        refused = Assert.Throws<DataplaneException>(() => DataplaneMemory.Create(options, NullLogger.Instance));
        Assert.StartsWith("Cannot use --huge-dir /nowhere: No such file", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_that_may_not_be_written_is_refused_if_named_and_passed_over_if_not()
    {
        Shell.Run("mount", "-o", "remount,ro", _mount.Path);
        var refused = Assert.Throws<DataplaneException>(() => Create("a"));
        Assert.Equal(
            $"Cannot use --huge-dir {_mount.Path}: Read-only file system; "
            + $"run 'mount -o remount,rw {_mount.Path}', or use --in-memory",
            refused.Message);

        using DataplaneMemory memory = DataplaneMemory.Create(new MemoryOptions { FilePrefix = "a" }, NullLogger.Instance);
        using MemoryZone zone = memory.Allocate("zone", 100);
        Assert.Equal(HugepageFixture.PageSize, zone.Segment.PageSize);
        Assert.Empty(_mount.Files);
    }

    [Fact]
    public void A_process_without_descriptors_left_gets_an_error_and_leaves_no_file()
    {
        string self = $"--pid={Environment.ProcessId}";
        string before = Shell.Run("prlimit", self, "--nofile", "--output=SOFT", "--noheadings", "--raw").Trim();
        int highest = Directory.EnumerateFiles("/proc/self/fd").Max(fd => int.Parse(Path.GetFileName(fd)));
        Shell.Run("prlimit", self, $"--nofile={highest + 8}:");
        var taken = new List<SafeFileHandle>();
        try
        {
            while (Libc.Open("/dev/null", Libc.O_RDONLY | Libc.O_CLOEXEC) is { IsInvalid: false } one)
                taken.Add(one);
            taken[0].Dispose();

            var refused = Assert.Throws<DataplaneException>(() => Create("a"));
            Assert.Equal($"Cannot lock {_mount.Path}/amap_0: Too many open files", refused.Message);
        }
        finally
        {
            taken.ForEach(one => one.Dispose());
            Shell.Run("prlimit", self, $"--nofile={before}:");
        }

        Assert.Empty(_mount.Files);
    }

    private MemoryOptions Options(string prefix) => new() { HugeDirectory = _mount.Path, FilePrefix = prefix };

    private DataplaneMemory Create(string prefix, HugeUnlink unlink = HugeUnlink.Existing) =>
        DataplaneMemory.Create(Options(prefix) with { HugeUnlink = unlink }, _log);
}
