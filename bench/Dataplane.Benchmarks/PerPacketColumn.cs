using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Dataplane.Benchmarks;

/// <summary>The mean divided by the packets of a burst: every benchmark here does one burst per operation.</summary>
internal sealed class PerPacketColumn : IColumn
{
    public string Id => nameof(PerPacketColumn);

    public string ColumnName => "ns/packet";

    public string Legend => "Mean of a burst divided by its packets";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Statistics;

    public int PriorityInCategory => 1;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        double? mean = summary[benchmarkCase]?.ResultStatistics?.Mean;
        int burst = (int)benchmarkCase.Parameters[BurstBenchmark.ParameterName];
        return mean is { } ns ? (ns / burst).ToString("F2", CultureInfo.InvariantCulture) : "-";
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
}
