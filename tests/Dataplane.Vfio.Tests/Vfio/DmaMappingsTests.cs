using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Testing;
using Dataplane.Vfio.Vfio;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Vfio.Tests.Vfio;

public sealed class DmaMappingsTests : IDisposable
{
    private readonly FakeMachine _machine = new();
    private readonly DataplaneMemory _memory = DataplaneMemory.Create(new MemoryOptions { NoHuge = true }, NullLogger.Instance);
    private readonly Iommu _iommu = new();
    private readonly DmaMappings _mappings;

    public DmaMappingsTests()
    {
        _mappings = new DmaMappings(_machine.Files, _iommu);
        _memory.Allocate("zone", 4096).Dispose();
    }

    public void Dispose()
    {
        _mappings.End();
        _memory.Dispose();
        _machine.Dispose();
    }

    [Fact]
    public void Groups_that_come_when_all_others_have_gone_get_the_memory_again()
    {
        _mappings.Share(_memory);
        _mappings.Share(_memory);
        Dictionary<ulong, nuint> all = new(_iommu.Mapped);
        Assert.NotEmpty(all);

        _mappings.End();
        Assert.Empty(_iommu.Mapped);

        _mappings.Share(_memory);
        Assert.Equal(all, _iommu.Mapped);
    }

    [Fact]
    public void Memory_that_is_refused_leaves_nothing_mapped_and_may_be_shared_later()
    {
        _iommu.Refusal = Errno.ENOSPC;
        Assert.Throws<DataplaneException>(() => _mappings.Share(_memory));
        Assert.Empty(_iommu.Mapped);

        _iommu.Refusal = 0;
        _mappings.Share(_memory);
        Assert.NotEmpty(_iommu.Mapped);
    }

    private sealed unsafe class Iommu : IIommu
    {
        public Dictionary<ulong, nuint> Mapped { get; } = [];

        /// <summary>What it says to a mapping; 0 for yes.</summary>
        public int Refusal { get; set; }

        public IommuLimits ReadLimits() => new(0, []);

        public int Map(byte* address, nuint length, ulong iova)
        {
            if (Refusal == 0)
                Mapped.Add(iova, length);
            return Refusal;
        }

        public void Unmap(ulong iova, ulong length) => Assert.True(Mapped.Remove(iova));
    }
}
