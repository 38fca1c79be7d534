using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Testing;
using Dataplane.Vfio.Vfio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Tests.Vfio;

public sealed class MemoryLimitTests : IDisposable
{
    private const ulong MiB = 1 << 20;

    private readonly FakeMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData(0x1_0000_0000, 0x20_0000, null)]
    [InlineData(0xfee0_0000, 0x10_0000, "the IOMMU translates 0x0-0xfedfffff, 0xfef00000-0x7fffffffff")]
    [InlineData(0x7f_ffff_f000, 0x2000, "the IOMMU translates")]
    [InlineData(0x1_0000_0800, 0x20_0000, "the IOMMU's smallest page is 4 KiB")]
    [InlineData(0x1_0000_0000, 0x800, "the IOMMU's smallest page is 4 KiB")]
    public void Memory_must_lie_within_what_the_IOMMU_translates(ulong iova, ulong length, string? reason)
    {
        var limits = new IommuLimits(
            0x4020_1000, [new VfioIovaRange { End = 0xfedf_ffff }, new VfioIovaRange { Start = 0xfef0_0000, End = 0x7f_ffff_ffff }]);

        Exception? refusal = Record.Exception(() => limits.Check(iova, length));

        Assert.Equal(reason is null, refusal is null);
        if (reason is not null)
            Assert.Contains(reason, refusal!.Message);
    }

    [Fact]
    public void A_limit_of_locked_memory_that_is_too_low_is_named_with_what_is_needed()
    {
        _machine["/proc/self/status"] = "Name:\tl2fwd\nVmLck:\t    6144 kB\n";
        _machine["/proc/self/limits"] =
            "Limit                     Soft Limit           Hard Limit           Units     \n" +
            "Max locked memory         8388608              16777216             bytes     \n";

        DataplaneException refusal = LockedMemoryLimit.Explain(_machine.Files, 4 * MiB);

        Assert.Equal(
            "Cannot map 4 MiB of memory for devices: 10 MiB must be locked, and the limit (RLIMIT_MEMLOCK) is 8 MiB",
            refusal.Problem);
        Assert.Contains("ulimit -l unlimited", refusal.Remedy);
        Assert.Contains("IPC_LOCK", refusal.Remedy);
    }

    [Fact]
    public void Without_a_limit_the_machine_is_out_of_memory()
    {
        _machine["/proc/self/limits"] = "Max locked memory         unlimited            unlimited            bytes     \n";

        Assert.Contains("out of memory", LockedMemoryLimit.Explain(_machine.Files, MiB).Remedy);
    }

    [Fact]
    public unsafe void A_segment_is_mapped_whole_if_devices_are_given_virtual_addresses()
    {
        MemorySegment segment = Segment(physicalPages: null);

        Assert.Equal([(0, segment.Length, (ulong)segment.Address)], DmaMappings.Pieces(segment));
    }

    [Fact]
    public void Physical_neighbours_are_mapped_at_once()
    {
        MemorySegment segment = Segment([8 * MiB, 10 * MiB, 2 * MiB, 20 * MiB]);

        Assert.Equal(
            [(0, (nuint)(4 * MiB), 8 * MiB), ((nuint)(4 * MiB), (nuint)(2 * MiB), 2 * MiB), ((nuint)(6 * MiB), (nuint)(2 * MiB), 20 * MiB)],
            DmaMappings.Pieces(segment));
    }

    private static unsafe MemorySegment Segment(ulong[]? physicalPages) =>
        new((byte*)0x1_0000_0000, (nuint)(8 * MiB), (nuint)(2 * MiB), numaNode: 0, new SafeFileHandle(), fileOffset: 0)
        {
            PhysicalPages = physicalPages,
        };
}
