using Dataplane.Linux;
using Dataplane.Vfio.Vfio;

namespace Dataplane.Vfio.Tests.Vfio;

public class InterruptKindTests
{
    private static readonly Dictionary<uint, int> s_all = new()
    {
        [VfioNumbers.VFIO_PCI_INTX_IRQ_INDEX] = 1,
        [VfioNumbers.VFIO_PCI_MSI_IRQ_INDEX] = 8,
        [VfioNumbers.VFIO_PCI_MSIX_IRQ_INDEX] = 5,
    };

    [Theory]
    [InlineData(null, "msix", 5)]
    [InlineData("msix", "msix", 5)]
    [InlineData("msi", "msi", 1)]
    [InlineData("legacy", "legacy", 1)]
    public void The_best_is_taken_unless_the_user_says_otherwise(string? wanted, string name, int vectors)
    {
        InterruptKind kind = Choose(wanted, s_all)!;

        Assert.Equal((name, vectors), (kind.Name, kind.Vectors));
        Assert.Equal(name == "legacy", kind.IsMaskedBySignal);
    }

    [Fact]
    public void What_the_device_does_not_have_is_refused()
    {
        var lineOnly = new Dictionary<uint, int> { [VfioNumbers.VFIO_PCI_INTX_IRQ_INDEX] = 1 };

        Assert.Equal(
            "0000:01:00.0 cannot interrupt as --vfio-intr=msix says; it can by legacy",
            Assert.Throws<DataplaneException>(() => Choose("msix", lineOnly)).Message);
        Assert.Contains("leave the option out", Assert.Throws<DataplaneException>(() => Choose("msi", [])).Remedy);
    }

    [Fact]
    public void A_device_may_have_no_interrupts() => Assert.Null(Choose(null, []));

    private static InterruptKind? Choose(string? wanted, Dictionary<uint, int> counts) =>
        InterruptKind.Choose("0000:01:00.0", index => counts.GetValueOrDefault(index), wanted);
}
