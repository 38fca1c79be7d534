using Dataplane.Linux;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Vfio;

namespace Dataplane.Vfio.Tests.Vfio;

public class BarMappingTests
{
    private const ulong Page = 0x1000;

    private static readonly MsixTable s_table = new(Bar: 3, Offset: 0x2010, Length: 0x50);

    [Fact]
    public void A_BAR_without_the_MSI_X_table_is_mapped_whole() =>
        Assert.Equal([(0UL, 0x20000UL)], BarMapping.Areas(Region(0x20000), table: null, Page));

    [Fact]
    public void A_BAR_smaller_than_a_page_takes_a_page() =>
        Assert.Equal([(0UL, 0x10000UL)], BarMapping.Areas(Region(0x4000), table: null, pageSize: 0x10000));

    [Fact]
    public void The_pages_of_the_MSI_X_table_are_left_out() =>
        Assert.Equal([(0UL, 0x2000UL), (0x3000UL, 0x1000UL)], BarMapping.Areas(Region(0x4000), s_table, Page));

    [Fact]
    public void Nothing_is_left_of_a_BAR_whose_only_page_has_the_table() =>
        Assert.Empty(BarMapping.Areas(Region(0x4000), s_table, pageSize: 0x10000));

    [Fact]
    public void The_table_is_mapped_along_where_the_kernel_protects_it_otherwise() =>
        Assert.Equal([(0UL, 0x4000UL)], BarMapping.Areas(Region(0x4000) with { MsixMappable = true }, s_table, Page));

    [Fact]
    public void The_areas_that_the_kernel_names_are_mapped() => Assert.Equal(
        [(0x1000UL, 0x1000UL)],
        BarMapping.Areas(
            Region(0x4000) with { MappableAreas = [new VfioSparseArea { Offset = 0x1000, Size = 0x1000 }] }, s_table, Page));

    [Fact]
    public void The_table_is_found_in_configuration_space()
    {
        var configuration = new BytesOfConfiguration();
        configuration.Write16(0x06, 1 << 4); // there is a list of capabilities
        configuration.Write16(0x34, 0xa0); // its first
        configuration.Write16(0xa0, PciCapabilities.MsiX);
        configuration.Write16(0xa2, 0x8004); // enabled, 5 entries
        configuration.Write32(0xa4, 0x2000 | 3);

        Assert.Equal(new MsixTable(Bar: 3, Offset: 0x2000, Length: 80), MsixTable.Read(configuration));
        Assert.Null(MsixTable.Read(new BytesOfConfiguration()));
    }

    private static VfioRegion Region(ulong size) => new(size, 0, VfioNumbers.VFIO_REGION_INFO_FLAG_MMAP, null, false);

    private sealed class BytesOfConfiguration : IPciConfiguration
    {
        private readonly byte[] _bytes = new byte[256];

        public byte Read8(int offset) => _bytes[offset];

        public ushort Read16(int offset) => BitConverter.ToUInt16(_bytes, offset);

        public uint Read32(int offset) => BitConverter.ToUInt32(_bytes, offset);

        public void Write16(int offset, ushort value) => BitConverter.TryWriteBytes(_bytes.AsSpan(offset), value);

        public void Write32(int offset, uint value) => BitConverter.TryWriteBytes(_bytes.AsSpan(offset), value);
    }
}
