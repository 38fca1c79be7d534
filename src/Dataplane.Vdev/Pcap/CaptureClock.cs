namespace Dataplane.Vdev.Pcap;

/// <summary>
/// The time of day for timestamps: from the cycle counter, set by the system's clock once a second, never going back.
/// One thread.
/// </summary>
internal struct CaptureClock
{
    private readonly double _nanosecondsPerCycle;
    private readonly ulong _cyclesPerSecond;
    private ulong _setAt;
    private long _nanosecondsThen;
    private long _last;

    public CaptureClock()
    {
        _cyclesPerSecond = CycleClock.Frequency;
        _nanosecondsPerCycle = 1e9 / _cyclesPerSecond;
        Set(CycleClock.Now);
    }

    /// <summary>Nanoseconds since 1970.</summary>
    public long Read()
    {
        ulong now = CycleClock.Now;
        if (now - _setAt > _cyclesPerSecond)
            Set(now);
        long time = _nanosecondsThen + (long)((now - _setAt) * _nanosecondsPerCycle);
        return _last = Math.Max(_last, time);
    }

    private void Set(ulong cycles)
    {
        _setAt = cycles;
        _nanosecondsThen = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
    }
}
