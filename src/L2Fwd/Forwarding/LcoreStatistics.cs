using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace L2Fwd.Forwarding;

/// <summary>
/// How much of its time a lcore spends on packets. The clock is read after each round that found none, which is where the
/// first one that finds some begins, so that a lcore under full load never reads it.
/// </summary>
/// <remarks>
/// The lcore writes, anybody reads: a sequence number that is odd while the fields change tells the reader to try again
/// (Volatile.Write of the odd number, fields, Volatile.Write of the even one: stlr on Arm, plain stores on x86-64; the
/// first of them is followed by a full barrier, as a release store does not hold back what comes after it).
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 3 * LinePair)]
internal sealed class LcoreStatistics
{
    private const int LinePair = 128;

    [FieldOffset(LinePair)] private long _sequence;
    [FieldOffset(LinePair + 8)] private long _busyTicks;
    [FieldOffset(LinePair + 16)] private long _idleTicks;
    [FieldOffset(LinePair + 24)] private long _since;
    [FieldOffset(LinePair + 32)] private long _idleUntil;
    [FieldOffset(LinePair + 40)] private bool _busy;

    /// <summary>Starts the clock. Only on the lcore.</summary>
    public void Start() => Change(busy: false, addTicks: false);

    /// <summary>Notes whether the round just done found any packets. Only on the lcore.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void RoundDone(bool busy)
    {
        if (busy != _busy)
            Change(busy, addTicks: true);
        else if (!busy)
            _idleUntil = Stopwatch.GetTimestamp();
    }

    /// <summary>The time since <see cref="Start"/>, in ticks of <see cref="Stopwatch"/>. Any thread.</summary>
    public LcoreTime Read()
    {
        var spin = default(SpinWait);
        while (true)
        {
            long sequence = Volatile.Read(ref _sequence);
            LcoreTime time = Volatile.Read(ref _busy)
                ? new LcoreTime(_busyTicks + Running(), _idleTicks)
                : new LcoreTime(_busyTicks, _idleTicks + Running());
            Interlocked.MemoryBarrier();
            if ((sequence & 1) == 0 && sequence == Volatile.Read(ref _sequence))
                return time;
            spin.SpinOnce();
        }
    }

    private long Running() => _since == 0 ? 0 : Math.Max(0, Stopwatch.GetTimestamp() - _since);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Change(bool busy, bool addTicks)
    {
        long now = busy ? _idleUntil : Stopwatch.GetTimestamp();
        Volatile.Write(ref _sequence, _sequence + 1);
        Interlocked.MemoryBarrier();
        if (addTicks)
        {
            ref long ticks = ref _busy ? ref _busyTicks : ref _idleTicks;
            ticks += now - _since;
        }

        _since = now;
        _idleUntil = now;
        _busy = busy;
        Volatile.Write(ref _sequence, _sequence + 1);
    }
}

/// <summary>How a lcore has spent its time, in ticks of <see cref="Stopwatch"/>.</summary>
/// <param name="Busy">Rounds that found packets.</param>
/// <param name="Idle">Rounds that found none.</param>
internal readonly record struct LcoreTime(long Busy, long Idle)
{
    /// <summary>The busy part of the time between two readings, 0 to 1.</summary>
    public static double BusyShare(LcoreTime earlier, LcoreTime later)
    {
        long busy = later.Busy - earlier.Busy;
        long all = busy + later.Idle - earlier.Idle;
        return all <= 0 ? 0 : Math.Clamp((double)busy / all, 0, 1);
    }
}
