using Dataplane.Lcores;

namespace Dataplane.Core.Tests.Lcores;

public class CpuSetTests
{
    [Theory]
    [InlineData(new int[0], "")]
    [InlineData(new[] { 3 }, "3")]
    [InlineData(new[] { 7, 1, 0, 7, 3, 2, 0 }, "0-3,7")]
    public void Cpus_are_in_order_and_count_once(int[] cpus, string expected)
    {
        var set = new CpuSet(cpus);
        Assert.Equal(expected, set.ToString());
        Assert.Equal(cpus.Distinct().Order(), set.Cpus);
        Assert.Equal(cpus.Distinct().Count(), set.Count);
        Assert.Equal(CpuSet.Parse(expected), set);
        Assert.Equal(CpuSet.Parse(expected).GetHashCode(), set.GetHashCode());
    }

    [Theory]
    [InlineData("0-3,8", "2-5", "0-5,8", "2-3", "0-1,8")]
    [InlineData("", "1", "1", "", "")]
    [InlineData("1", "", "1", "", "1")]
    [InlineData("4-6", "4-6", "4-6", "4-6", "")]
    public void Sets_are_joined_and_cut(string left, string right, string both, string common, string rest)
    {
        CpuSet first = CpuSet.Parse(left), second = CpuSet.Parse(right);
        Assert.Equal(both, first.Union(second).ToString());
        Assert.Equal(common, first.Intersect(second).ToString());
        Assert.Equal(rest, first.Except(second).ToString());
        Assert.Equal(left == right, first.Equals(second));
        Assert.All(Enumerable.Range(0, 10), cpu => Assert.Equal(first.Cpus.Contains(cpu), first.Contains(cpu)));
    }
}
