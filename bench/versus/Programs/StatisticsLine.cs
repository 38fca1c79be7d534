using System.Diagnostics;
using System.Text.Json;
using Dataplane.Testing.Programs;

namespace Versus.Programs;

/// <summary>A line of our l2fwd's <c>--stats=json</c>; docs/statistics.md describes its fields.</summary>
/// <param name="SinceStart">Seconds from the start of the process until the line arrived here.</param>
/// <param name="Seconds">The period that it covers, by the program's clock.</param>
/// <param name="Sent">Packets sent so far by all ports.</param>
/// <param name="Busy">The part of the period, 0 to 1, that its lcore spent in rounds that found packets.</param>
/// <param name="Collections">Garbage collections so far.</param>
/// <param name="AllocatedBytes">Managed memory allocated so far.</param>
internal sealed record StatisticsLine(double SinceStart, double Seconds, long Sent, double Busy, int Collections, long AllocatedBytes)
{
    public static StatisticsLine Parse(OutputLine line, long started)
    {
        using var json = JsonDocument.Parse(line.Text);
        JsonElement root = json.RootElement;
        bool hasGc = root.TryGetProperty("gc", out JsonElement gc);
        return new StatisticsLine(
            Stopwatch.GetElapsedTime(started, line.Timestamp).TotalSeconds,
            root.GetProperty("seconds").GetDouble(),
            root.GetProperty("total").GetProperty("tx_packets").GetInt64(),
            root.GetProperty("lcores")[0].GetProperty("busy").GetDouble(),
            hasGc ? gc.GetProperty("collections").GetInt32() : 0,
            hasGc ? gc.GetProperty("allocated_bytes").GetInt64() : 0);
    }
}
