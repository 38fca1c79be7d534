using System.Text.Json;
using Dataplane.Testing;
using L2Fwd.Statistics;

namespace L2Fwd.Tests.Statistics;

public class JsonViewTests
{
    [Fact]
    public void A_period_is_one_line_with_counts_rates_and_busy_shares()
    {
        using var texts = new Texts();
        using var forwarding = new TestForwarding("net_null0", "net_null1");
        using var view = new JsonView(forwarding.Source, texts.Output, TimeProvider.System);
        forwarding.Forward(packets: 10_000);
        StatisticsSnapshot now = forwarding.Capture();

        view.Show(forwarding.Earlier, now);

        Assert.Equal('\n', texts.Text[^1]);
        Assert.Equal(1, texts.Text.Count(character => character == '\n'));
        JsonElement line = JsonDocument.Parse(texts.Text).RootElement;
        Assert.True(line.GetProperty("time").TryGetDateTime(out _));
        Assert.True(line.GetProperty("seconds").GetDouble() > 0);
        JsonElement port = line.GetProperty("ports")[1];
        Assert.Equal(1, port.GetProperty("port").GetInt32());
        Assert.Equal("net_null1", port.GetProperty("name").GetString());
        Assert.Equal("up", port.GetProperty("link").GetString());
        Assert.Equal(now.Ports[1].Received, port.GetProperty("rx_packets").GetUInt64());
        Assert.Equal(now.Ports[1].Received * 64, port.GetProperty("rx_bytes").GetUInt64());
        Assert.Equal(now.Ports[1].Sent, port.GetProperty("tx_packets").GetUInt64());
        Assert.Equal(0u, port.GetProperty("dropped_packets").GetUInt64());
        Assert.True(port.GetProperty("rx_pps").GetUInt64() > 0);
        Assert.Equal(3, line.GetProperty("lcores")[0].GetProperty("lcore").GetInt32());
        Assert.InRange(line.GetProperty("lcores")[0].GetProperty("busy").GetDouble(), 0, 1);
        Assert.Equal(now.Total.Received, line.GetProperty("total").GetProperty("rx_packets").GetUInt64());
        Assert.Equal(now.Collections, line.GetProperty("gc").GetProperty("collections").GetInt32());
        Assert.Equal(now.AllocatedBytes, line.GetProperty("gc").GetProperty("allocated_bytes").GetInt64());
    }

    [Fact]
    public void Every_field_is_in_the_documentation()
    {
        using var texts = new Texts();
        using var forwarding = new TestForwarding("net_null0", "net_null1");
        using var view = new JsonView(forwarding.Source, texts.Output, TimeProvider.System);
        view.Show(forwarding.Earlier, forwarding.Earlier);
        string documentation = File.ReadAllText(Repository.PathOf("docs/statistics.md"));

        Assert.All(
            Names(JsonDocument.Parse(texts.Text).RootElement),
            name => Assert.Contains($"`{name}`", documentation, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Names(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object =>
            element.EnumerateObject().SelectMany(property => Names(property.Value).Prepend(property.Name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Names),
        _ => [],
    };
}
