using System.Diagnostics;

namespace Dataplane.Core.Tests;

public class CycleClockTests
{
    [Fact]
    public void Now_never_goes_back()
    {
        ulong last = CycleClock.Now;
        for (int i = 0; i < 100_000; i++)
        {
            ulong now = CycleClock.Now;
            Assert.True(now >= last);
            last = now;
        }
    }

    [Fact]
    public void Frequency_is_measured_once_and_plausible()
    {
        Assert.InRange(CycleClock.Frequency, 1_000_000UL, 20_000_000_000UL);
        Assert.Equal(CycleClock.Frequency, CycleClock.Frequency);
    }

    [Fact]
    public void Cycles_and_the_system_clock_run_at_the_same_rate()
    {
        // Each interval of the inner clock lies within one of the outer, whatever interrupts us: no tolerance for a busy machine,
        // only 1000 ppm for NTP, which slews the system's clock by at most 500.
        _ = CycleClock.Frequency;
        long outerStart = Stopwatch.GetTimestamp();
        ulong start = CycleClock.Now;
        long innerStart = Stopwatch.GetTimestamp();
        Thread.Sleep(20);
        long innerEnd = Stopwatch.GetTimestamp();
        ulong end = CycleClock.Now;
        long outerEnd = Stopwatch.GetTimestamp();

        double measured = CycleClock.ToNanoseconds(end - start);

        Assert.InRange(measured, NanosecondsOf(innerEnd - innerStart) * 0.999, NanosecondsOf(outerEnd - outerStart) * 1.001);
    }

    [Fact]
    public void Conversions_do_not_overflow_within_a_century()
    {
        const ulong Century = 100UL * 365 * 24 * 3600 * 1_000_000_000;

        ulong cycles = CycleClock.FromNanoseconds(Century);

        Assert.InRange(CycleClock.ToNanoseconds(cycles), Century - 1_000, Century);
        Assert.Equal(1_000_000_000UL, CycleClock.ToNanoseconds(CycleClock.Frequency));
    }

    private static double NanosecondsOf(long ticks) => ticks * 1e9 / Stopwatch.Frequency;
}
