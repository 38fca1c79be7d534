using Dataplane.Memory;

namespace Dataplane.Core.Tests.Memory;

public class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("4096", 4096)]
    [InlineData("64k", 64 << 10)]
    [InlineData("2M", 2 << 20)]
    [InlineData("512Mi", 512 << 20)]
    [InlineData("1GiB", 1 << 30)]
    public void Sizes_are_read_with_the_units_of_the_kernel_and_of_Kubernetes(string text, ulong bytes)
    {
        Assert.True(ByteSize.TryParse(text, out ulong read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1M")]
    [InlineData("1.5G")]
    [InlineData("2MB")]
    [InlineData("2Mx")]
    [InlineData("2T")]
    [InlineData("17179869184G")] // 2^64
    public void Other_texts_are_no_sizes(string text) => Assert.False(ByteSize.TryParse(text, out _));
}
