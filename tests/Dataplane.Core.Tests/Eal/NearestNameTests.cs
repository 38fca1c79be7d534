using Dataplane.Eal;

namespace Dataplane.Core.Tests.Eal;

public class NearestNameTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("lcore", "lcores", 1)]
    [InlineData("hueg", "huge", 1)]
    [InlineData("ca", "abc", 3)]
    public void Distances_are_counted_in_letters(string a, string b, int distance)
    {
        Assert.Equal(distance, NearestName.Distance(a, b));
        Assert.Equal(distance, NearestName.Distance(b, a));
    }

    [Theory]
    [InlineData("file", "file-prefix")]
    [InlineData("no-hugh", "no-huge")]
    [InlineData("no-hueg", "no-huge")]
    public void What_the_text_begins_or_nearly_is_found(string text, string expected) =>
        Assert.Equal(expected, NearestName.Find(text, ["no-huge", "no-hpet", "file-prefix", "vdev"]));
}
