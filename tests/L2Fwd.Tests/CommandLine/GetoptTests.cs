using L2Fwd.CommandLine;

namespace L2Fwd.Tests.CommandLine;

public class GetoptTests
{
    private static readonly GetoptOption[] s_options =
    [
        new('v', null, HasArgument: false, _ => "verbose"),
        new('n', "number", HasArgument: true, text => $"number={text}"),
        new(null, "plain", HasArgument: false, _ => "plain"),
        new(null, "plainer", HasArgument: false, _ => "plainer"),
    ];

    [Theory]
    [InlineData("", "")]
    [InlineData("-v", "verbose")]
    [InlineData("-n 1", "number=1")]
    [InlineData("-n1", "number=1")]
    [InlineData("-n -1", "number=-1")]
    [InlineData("-vn1", "verbose number=1")]
    [InlineData("-vvn 1 -v", "verbose verbose number=1 verbose")]
    [InlineData("--number 1", "number=1")]
    [InlineData("--number=1", "number=1")]
    [InlineData("--number=", "number=")]
    [InlineData("--number=a=b", "number=a=b")]
    [InlineData("--num=1 --n 2", "number=1 number=2")]
    [InlineData("--plain --plaine", "plain plainer")]
    [InlineData("word -v other - -v", "verbose verbose")]
    [InlineData("-v -- -v --nonsense", "verbose")]
    [InlineData("-n --", "number=--")]
    public void Options_are_taken_as_getopt_long_takes_them(string commandLine, string expected) =>
        Assert.Equal(expected, string.Join(' ', Normalize(commandLine)));

    [Theory]
    [InlineData("-x", "prog: invalid option -- 'x'")]
    [InlineData("-vx", "prog: invalid option -- 'x'")]
    [InlineData("-n", "prog: option requires an argument -- 'n'")]
    [InlineData("-vn", "prog: option requires an argument -- 'n'")]
    [InlineData("--number", "prog: option '--number' requires an argument")]
    [InlineData("--num", "prog: option '--number' requires an argument")]
    [InlineData("--nonsense", "prog: unrecognized option '--nonsense'")]
    [InlineData("--nonsense=1", "prog: unrecognized option '--nonsense=1'")]
    [InlineData("--plain=1", "prog: option '--plain' doesn't allow an argument")]
    [InlineData("--pl", "prog: option '--pl' is ambiguous; possibilities: '--plain' '--plainer'")]
    public void Complaints_are_those_of_getopt_long(string commandLine, string complaint)
    {
        UsageException thrown = Assert.Throws<UsageException>(() => Normalize(commandLine));

        Assert.Equal(complaint, thrown.Message);
        Assert.True(thrown.FromGetopt);
    }

    [Fact]
    public void The_first_option_that_is_wrong_is_the_one_complained_about() =>
        Assert.Contains("'x'", Assert.Throws<UsageException>(() => Normalize("-v -x --nonsense")).Message);

    private static string[] Normalize(string commandLine) =>
        [.. new Getopt("prog", s_options).Normalize(commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
}
