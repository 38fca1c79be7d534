using System.Runtime.CompilerServices;
using Dataplane.Linux;

namespace Dataplane;

/// <summary>
/// The CPU's cycle counter (x86-64: TSC, arm64: the virtual counter): the cheapest clock there is, at a constant rate, the
/// same on all CPUs. Reading it costs what the instruction costs (20 ns in a virtual machine, a third of
/// <see cref="System.Diagnostics.Stopwatch"/>) and is not ordered with the instructions around it. Any thread may call.
/// </summary>
public static class CycleClock
{
    /// <summary>The counter. Differences are what it is for; its zero means nothing.</summary>
    public static ulong Now
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Shim.Cycles();
    }

    /// <summary>
    /// Cycles per second. The first call finds out and sleeps for 10 ms on x86-64: make it before packets flow.
    /// </summary>
    /// <exception cref="DataplaneException">The native library is missing or of another build.</exception>
    public static ulong Frequency => Rate.Hertz.Value;

    /// <summary>Nanoseconds that a number of cycles takes; exact to about 0.1 ppm.</summary>
    public static ulong ToNanoseconds(ulong cycles) => Scale(cycles, NanosecondsPerSecond, Frequency);

    /// <summary>Cycles that a number of nanoseconds takes, rounded down.</summary>
    public static ulong FromNanoseconds(ulong nanoseconds) => Scale(nanoseconds, Frequency, NanosecondsPerSecond);

    private const ulong NanosecondsPerSecond = 1_000_000_000;

    // Through 128 bits: the counter times a billion passes 64 bits within seconds.
    private static ulong Scale(ulong value, ulong numerator, ulong denominator) =>
        (ulong)((UInt128)value * numerator / denominator);

    private static class Rate
    {
        public static readonly Lazy<ulong> Hertz = new(Measure, LazyThreadSafetyMode.PublicationOnly);

        private static ulong Measure()
        {
            Shim.Check();
            return Shim.MeasureCycleFrequency();
        }
    }
}
