using Dataplane.Linux;
using Dataplane.Memory;

namespace Dataplane.Core.Tests.Memory;

public sealed unsafe class AddressRangeTests
{
    private const ulong GiB = 1UL << 30;

    [Fact]
    public void A_base_that_is_taken_is_passed_over()
    {
        const ulong Wanted = 0x30_0000_0000;
        using var first = new AddressRange(Wanted, GiB);
        using var second = new AddressRange(Wanted, GiB);

        Assert.Equal((Wanted, Wanted + GiB), ((ulong)first.Base, (ulong)second.Base));
    }

    [Fact]
    public void An_address_is_offered_again_until_it_is_taken()
    {
        using var range = new AddressRange(null, GiB);
        byte* offered = range.Next(4096, 4096);
        Assert.True(offered == range.Next(4096, 4096));
        range.Commit(offered, 4096);

        Assert.True(offered + 4096 == range.Next(4096, 4096));
        Assert.True(offered + (2 << 20) == range.Next(4096, 2 << 20));
    }

    [Fact]
    public void What_does_not_fit_any_more_gets_a_chunk_of_its_own()
    {
        using var range = new AddressRange(null, GiB);
        byte* large = range.Next((nuint)(3 * GiB), (nuint)GiB);
        range.Commit(large, (nuint)(3 * GiB));

        Assert.Equal(0ul, (ulong)large % GiB);
        Assert.True(range.Next(4096, 4096) == range.Base);
    }

    [Fact]
    public void More_than_the_low_addresses_hold_is_reserved_higher_up()
    {
        using var range = new AddressRange(null, GiB);
        byte* large = range.Next(unchecked((nuint)(1UL << 40)), (nuint)GiB);

        Assert.InRange((ulong)large, 1UL << 39, ulong.MaxValue);
        Assert.Equal(0ul, (ulong)large % GiB);
    }

    [Fact]
    public void Disposing_gives_the_addresses_back()
    {
        nuint address;
        using (var range = new AddressRange(0x38_0000_0000, GiB))
            address = (nuint)range.Base;

        void* mapped = Libc.MmapAnonymous(
            (void*)address, 4096, Libc.PROT_NONE, Libc.MAP_PRIVATE | Libc.MAP_FIXED_NOREPLACE);
        Assert.Equal(address, (nuint)mapped);
        _ = Libc.Munmap(mapped, 4096);
    }
}
