using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// Sums what the statistics registers of a device count. Registers that clear on read lose what a device reset finds in
/// them, so a driver collects before it resets. Any thread.
/// </summary>
/// <param name="registers">Of the device.</param>
/// <param name="counters">Its statistics registers.</param>
internal sealed class HardwareCounters<TRegisters>(TRegisters registers, IReadOnlyList<HardwareCounter> counters)
    where TRegisters : struct, IRegisterSpace
{
    private const ulong Mask32 = uint.MaxValue;

    private readonly Lock _gate = new();
    private readonly ulong[] _totals = new ulong[counters.Count];
    private readonly ulong[] _last = new ulong[counters.Count];
    private bool _isSuspended;

    /// <summary>Reads the registers and adds what they counted since the last time.</summary>
    public void Collect()
    {
        lock (_gate)
        {
            for (int i = 0; i < _totals.Length && !_isSuspended; i++)
                _totals[i] += ReadSinceLast(i);
        }
    }

    /// <summary>Lets the totals count from zero; what the registers counted up to now is gone.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            Collect();
            Array.Clear(_totals);
        }
    }

    /// <summary>
    /// The device is about to be reset: collects, and then nobody who asks for statistics meanwhile touches its registers, up to
    /// <see cref="Resume"/>.
    /// </summary>
    public void Suspend()
    {
        lock (_gate)
        {
            Collect();
            _isSuspended = true;
        }
    }

    /// <summary>
    /// The device was reset: registers that run on start from where they stand now, whether the reset set them to zero or not.
    /// </summary>
    public void Resume()
    {
        lock (_gate)
        {
            _isSuspended = false;
            for (int i = 0; i < _last.Length; i++)
                _ = ReadSinceLast(i);
        }
    }

    /// <summary>The total of a register as last collected, by its offset; 0 if the device has none there.</summary>
    public ulong Total(int offset)
    {
        lock (_gate)
        {
            for (int i = 0; i < _totals.Length; i++)
            {
                if (counters[i].Offset == offset)
                    return _totals[i];
            }

            return 0;
        }
    }

    /// <summary>Adds the totals as last collected, by DPDK's names.</summary>
    public void AddTo(ICollection<ExtendedStatistic> statistics)
    {
        lock (_gate)
        {
            for (int i = 0; i < _totals.Length; i++)
            {
                if (counters[i].Name is { } name)
                    statistics.Add(new ExtendedStatistic(name, _totals[i]));
            }
        }
    }

    private ulong ReadSinceLast(int i)
    {
        HardwareCounter counter = counters[i];
        ulong now = registers.Read32(counter.Offset);
        if (now == Mask32)
            return 0; // so read registers of a device that is gone; a count that high comes again
        if (counter.Kind == CounterKind.ClearOnReadPair)
            now |= (ulong)registers.Read32(counter.Offset + sizeof(uint)) << 32;
        if (counter.Kind != CounterKind.Running)
            return now;
        ulong since = (now - _last[i]) & Mask32;
        _last[i] = now;
        return since;
    }
}
