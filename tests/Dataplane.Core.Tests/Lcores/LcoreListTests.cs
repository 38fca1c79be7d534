using Dataplane.Lcores;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Lcores;

public class LcoreListTests
{
    private static string Print(IReadOnlyList<LcoreAssignment> lcores) =>
        string.Join(' ', lcores.Select(lcore => $"{lcore.LcoreId}@{lcore.Cpus}"));

    [Theory]
    [InlineData("7", "7@7")]
    [InlineData("0-2,7", "0@0 1@1 2@2 7@7")]
    [InlineData("7,0", "0@0 7@7")]
    [InlineData("0,0-1", "0@0 1@1")]
    [InlineData(" 0 - 1 , 3 ", "0@0 1@1 3@3")]
    [InlineData("0@1,1@1", "0@1 1@1")]
    [InlineData("1@(5-7)", "1@5-7")]
    [InlineData("2@5-7", "2@5-7")]
    [InlineData("0-3@1", "0@1 1@1 2@1 3@1")]
    [InlineData("(0,6)", "0@0,6 6@0,6")]
    [InlineData("1,2@(5-7),(3-5)@(0,2),(0,6),7-8", "0@0,6 1@1 2@5-7 3@0,2 4@0,2 5@0,2 6@0,6 7@7 8@8")]
    [InlineData("8191", "8191@8191")]
    public void Lists_and_maps_are_read_as_DPDK_documents_them(string text, string expected) =>
        Assert.Equal(expected, Print(LcoreList.Parse(text)));

    [Theory]
    [InlineData("", "it ends too early")]
    [InlineData(" ", "it ends too early")]
    [InlineData("0-", "it ends too early")]
    [InlineData("0,", "it ends too early")]
    [InlineData("1@", "it ends too early")]
    [InlineData("(0", "it ends too early")]
    [InlineData("0,,1", "',' is not expected at position 3")]
    [InlineData("a", "'a' is not expected at position 1")]
    [InlineData("0x1", "'x' is not expected at position 2")]
    [InlineData("()", "')' is not expected at position 2")]
    [InlineData("(0))", "')' is not expected at position 4")]
    [InlineData("0@1@2", "'@' is not expected at position 4")]
    [InlineData("3-1", "the range 3-1 ends before it starts")]
    [InlineData("8192", "8192 is beyond the last CPU that there can be, 8191")]
    [InlineData("99999999999999", "99999999999999 is beyond the last CPU that there can be, 8191")]
    [InlineData("0@1,0@2", "lcore 0 is given twice, on CPUs 1 and on CPUs 2")]
    [InlineData("0\0", "'\0' is not expected at position 2")]
    public void What_is_no_list_is_refused_with_its_place(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => LcoreList.Parse(text)).Message);

    [Theory]
    [InlineData("1", "0@0")]
    [InlineData("0x0A", "1@1 3@3")]
    [InlineData("0000000000000000000000000000000000000000003", "0@0 1@1")]
    [InlineData("80000000000000000000000000000000", "127@127")]
    [InlineData(" 3 ", "0@0 1@1")]
    public void Masks_of_any_length_are_read(string text, string expected) =>
        Assert.Equal(expected, Print(LcoreList.ParseMask(text)));

    [Theory]
    [InlineData("", "it has no bit set")]
    [InlineData("0x", "it has no bit set")]
    [InlineData("000", "it has no bit set")]
    [InlineData("1g", "'g' is no hexadecimal digit")]
    public void What_is_no_mask_is_refused(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => LcoreList.ParseMask(text)).Message);

    [Fact]
    public void A_mask_beyond_the_last_CPU_is_refused() =>
        Assert.Contains(
            "bit 8192 is beyond the last CPU",
            Assert.Throws<FormatException>(() => LcoreList.ParseMask("1" + new string('0', 2048))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_mask_and_the_list_of_its_bits_are_the_same() =>
        Prop.ForAll(Gen.Choose(0, 300).NonEmptyListOf().ToArbitrary(), cpus =>
        {
            var digits = new char[80];
            for (int digit = 0; digit < digits.Length; digit++)
            {
                int value = Enumerable.Range(0, 4).Where(bit => cpus.Contains(digit * 4 + bit)).Sum(bit => 1 << bit);
                digits[^(digit + 1)] = "0123456789abcdef"[value];
            }

            string list = new CpuSet(cpus).ToString();
            return Print(LcoreList.ParseMask(new string(digits))) == Print(LcoreList.Parse(list));
        }).QuickCheckThrowOnFailure();
}
