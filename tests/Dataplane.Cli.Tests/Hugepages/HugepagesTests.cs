using System.Text.Json;
using Dataplane.Linux;
using Dataplane.Testing;

namespace Dataplane.Cli.Tests.Hugepages;

public sealed class HugepagesTests : IDisposable
{
    private const string Mount2M = "hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0";
    private const string Mount1G = "nodev /mnt/huge1G hugetlbfs rw,relatime,pagesize=1024M 0 0";

    private readonly FakeMounts _mounts = new();
    private FakeHugepageKernel _kernel = FakeHugepageKernel.Create();

    [Fact]
    public void Memory_is_set_aside_on_all_nodes_and_a_hugetlbfs_is_mounted()
    {
        Run("--setup 1G").AssertPrints(
            "512 hugepages of 2 MiB (1 GiB) are set aside, 512 of them free\n"
            + "A hugetlbfs of 2 MiB pages is mounted on /dev/hugepages now\n");
        Assert.Equal(["mount /dev/hugepages 2097152"], _mounts.Calls);
        Assert.Contains("1    256    2M     512M   256\n", Run("--show").Output);
    }

    [Fact]
    public void Pages_of_another_size_on_one_node_are_mounted_where_the_user_says()
    {
        Run("--setup 4G --page-size 1G --node 1 --mount /mnt/x").AssertPrints(
            "4 hugepages of 1 GiB (4 GiB) are set aside on NUMA node 1, 4 of them free\n"
            + "A hugetlbfs of 1 GiB pages is mounted on /mnt/x now\n");
        Assert.Equal(["mount /mnt/x 1073741824"], _mounts.Calls);
        Assert.Contains("0    0      1G     0      0\n", Run("--show").Output);
    }

    [Fact]
    public void Pages_of_another_size_have_a_directory_of_their_own()
    {
        Run("--setup 1G -p 1G");

        Assert.Equal(["mount /dev/hugepages-1Gi 1073741824"], _mounts.Calls);
    }

    [Fact]
    public void A_hugetlbfs_that_is_there_is_enough()
    {
        On(FakeHugepageKernel.Create(Mount1G, Mount2M));

        Assert.EndsWith("A hugetlbfs is mounted on /dev/hugepages already\n", Run("--setup 1G").Output);
        Assert.EndsWith("A hugetlbfs is mounted on /mnt/huge1G already\n", Run("--setup 1G --page-size 1G --mount /mnt/huge1G/").Output);
        Assert.Empty(_mounts.Calls);
    }

    [Fact]
    public void A_directory_with_other_pages_is_refused()
    {
        On(FakeHugepageKernel.Create(Mount1G));

        CommandRun run = Run("--setup 1G --mount /mnt/huge1G");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            "dataplane: /mnt/huge1G has a hugetlbfs of 1 GiB pages already\n  Remedy: give another directory with --mount\n", run.Errors);
    }

    [Fact]
    public void Fewer_pages_than_asked_for_are_an_error_with_what_mends_it()
    {
        _kernel.Limit = 100;

        CommandRun run = Run("--setup 1G");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            "dataplane: Only 200 of 512 hugepages of 2 MiB could be set aside: "
            + "the rest of the memory is in use, or free in pieces that are too small\n"
            + "  Remedy: end programs, or run 'echo 3 > /proc/sys/vm/drop_caches', and try again; surest is to reserve at boot, "
            + "with hugepagesz=2M hugepages=512 on the kernel's command line\n",
            run.Errors);
        Assert.Equal("A hugetlbfs of 2 MiB pages is mounted on /dev/hugepages now\n", run.Output);
    }

    [Fact]
    public void More_than_the_memory_that_is_available_is_refused_before_the_machine_is_starved()
    {
        _kernel.SetPool(0, 2048, pages: 10, used: 0);

        CommandRun run = Run("--setup 9G");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            "dataplane: Cannot set aside 9196 MiB more in hugepages: the machine has 8 GiB of memory available\n"
            + "  Remedy: end programs, or give --setup 8212Mi at most\n",
            run.Errors);
        Assert.Contains("0    10     2M     20M    10\n", Run("--show").Output);
    }

    [Fact]
    public void Memory_in_pieces_is_compacted_before_anybody_complains()
    {
        _kernel.Limit = 100;
        _kernel.LimitWhenCompacted = 1000;

        Assert.StartsWith("512 hugepages", Run("--setup 1G").Output);
    }

    [Fact]
    public void Setting_up_less_than_is_in_use_says_so()
    {
        _kernel.SetPool(0, 2048, pages: 100, used: 60);

        Assert.StartsWith(
            "60 hugepages of 2 MiB (120 MiB) are set aside on NUMA node 0, 0 of them free\n"
            + "52 more than asked for are in use; they are freed when their programs end\n",
            Run("--setup 16M --node 0").Output);
    }

    [Theory]
    [InlineData(Errno.EACCES, "Permission denied", "run it as root")]
    [InlineData(Errno.EROFS, "Read-only file system", "/sys is mounted read-only, as in most containers: run it on the host, or in a privileged container")]
    public void A_refused_write_says_who_may(int error, string reason, string remedy)
    {
        _kernel.WriteError = error;
        _mounts.Errors["/dev/hugepages"] = Errno.EPERM;

        Run("--setup 1G").AssertFails(
            $"dataplane: Cannot set aside hugepages: {reason}\n  Remedy: {remedy}\n"
            + "dataplane: Cannot mount a hugetlbfs on /dev/hugepages: Operation not permitted\n"
            + "  Remedy: run it as root, on the host or in a privileged container\n");
    }

    [Theory]
    [InlineData("--setup x", "Option '--setup' takes a size such as 512M or 2G, not 'x'")]
    [InlineData("--setup 0", "Option '--setup' takes a size such as 512M or 2G, not '0'")]
    [InlineData("--setup 1G -p huge", "Option '--page-size' takes a size such as 2M or 1G, not 'huge'")]
    [InlineData("--setup 3M", "3 MiB is no multiple of the page size, 2 MiB\n  Remedy: give --setup 4Mi")]
    [InlineData("--setup 4M -p 4M", "This kernel has no hugepages of 4 MiB\n  Remedy: it has 2 MiB and 1 GiB")]
    [InlineData("--setup 4M --node 7", "There is no NUMA node 7 with hugepages\n  Remedy: the nodes are: 0, 1")]
    public void What_makes_no_sense_is_refused_before_anything_is_done(string arguments, string sentence)
    {
        Run(arguments).AssertFails($"dataplane: {sentence}\n");
        Assert.Empty(_mounts.Calls);
    }

    [Fact]
    public void A_kernel_without_hugepages_is_named_as_such()
    {
        using var machine = new FakeMachine();

        CommandRun.Of(machine.Files, "hugepages --setup 1G").AssertFails(
            "dataplane: This kernel has no hugepages\n  Remedy: boot one with CONFIG_HUGETLBFS; without it, l2fwd takes ordinary pages\n");
        CommandRun.Of(machine.Files, "hugepages --show").AssertPrints("Node Pages  Size   Total  Free\n\nHugepages not mounted\n");
    }

    [Fact]
    public void Clearing_unmounts_what_it_can_and_frees_what_nobody_uses()
    {
        On(FakeHugepageKernel.Create(Mount2M, Mount1G));
        _kernel.SetPool(0, 2048, pages: 100, used: 60).SetPool(1, 1048576, pages: 2, used: 0);
        _mounts.Errors["/dev/hugepages"] = Errno.EBUSY;

        Run("--clear").AssertPrints(
            "/mnt/huge1G is unmounted\n"
            + "/dev/hugepages stays mounted: a program has files open there\n"
            + "40 hugepages of 2 MiB are freed\n"
            + "60 hugepages of 2 MiB are in use; they are freed when their programs end\n"
            + "2 hugepages of 1 GiB are freed\n");
        Assert.Equal(["unmount /mnt/huge1G", "unmount /dev/hugepages"], _mounts.Calls);
    }

    [Fact]
    public void Clearing_one_size_leaves_the_other_alone()
    {
        On(FakeHugepageKernel.Create(Mount2M, Mount1G));
        _kernel.SetPool(0, 2048, pages: 100, used: 0).SetPool(1, 1048576, pages: 2, used: 0);

        Run("--clear --page-size 1G").AssertPrints("/mnt/huge1G is unmounted\n2 hugepages of 1 GiB are freed\n");
    }

    [Fact]
    public void Clearing_leaves_the_mounts_of_pods_alone()
    {
        const string Volume = "/var/lib/kubelet/pods/6f1c/volumes/kubernetes.io~empty-dir/hugepages";
        On(FakeHugepageKernel.Create($"nodev {Volume} hugetlbfs rw,pagesize=2M 0 0"));
        _kernel.SetPool(0, 2048, pages: 100, used: 60);

        Run("--clear").AssertPrints(
            $"{Volume} stays mounted: it belongs to a pod\n"
            + "40 hugepages of 2 MiB are freed\n"
            + "60 hugepages of 2 MiB are in use; they are freed when their programs end\n");
        Assert.Empty(_mounts.Calls);
    }

    [Fact]
    public void Clearing_one_node_unmounts_nothing()
    {
        On(FakeHugepageKernel.Create(Mount2M));
        _kernel.SetPool(0, 2048, pages: 100, used: 0).SetPool(1, 2048, pages: 10, used: 0);

        Run("--clear --node 1").AssertPrints("10 hugepages of 2 MiB are freed\n");
        Assert.Empty(_mounts.Calls);
    }

    [Fact]
    public void The_table_names_the_mounts_with_their_page_sizes()
    {
        On(FakeHugepageKernel.Create(Mount2M, Mount1G));
        _kernel.SetPool(0, 2048, pages: 512, used: 12);

        Run("--show").AssertPrints("""
            Node Pages  Size   Total  Free
            0    512    2M     1G     500
            0    0      1G     0      0
            1    0      2M     0      0
            1    0      1G     0      0

            Hugepages mounted on /dev/hugepages (2M), /mnt/huge1G (1G)

            """);
    }

    [Fact]
    public void JSON_has_the_pools_and_the_mounts()
    {
        On(FakeHugepageKernel.Create(Mount2M));
        _kernel.SetPool(0, 2048, pages: 512, used: 12);

        using JsonDocument document = JsonDocument.Parse(Run("--show --json").Output);

        Assert.Equal(2 << 20, document.RootElement.GetProperty("default_page_size").GetInt32());
        JsonElement pool = document.RootElement.GetProperty("pools")[0];
        Assert.Equal(
            [0, 2 << 20, 512, 500],
            new[] { "node", "page_size", "pages", "free_pages" }.Select(name => pool.GetProperty(name).GetInt32()));
        Assert.Equal("/dev/hugepages", document.RootElement.GetProperty("mounts")[0].GetProperty("directory").GetString());
    }

    public void Dispose() => _kernel.Dispose();

    private void On(FakeHugepageKernel kernel)
    {
        _kernel.Dispose();
        _kernel = kernel;
    }

    private CommandRun Run(string arguments) => CommandRun.Of(_kernel, $"hugepages {arguments}", _mounts);
}
