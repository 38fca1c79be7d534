using System.Runtime.CompilerServices;

namespace Dataplane.Virtio;

/// <inheritdoc/>
internal sealed unsafe class SplitInflightLog : InflightLog
{
    private readonly SplitInflightHeader* _header;
    private readonly SplitInflightEntry* _entries;
    private readonly int _count;
    private SplitInflightState _state;

    public SplitInflightLog(nint memory, int entries, DeviceRingOptions ring)
        : base(ring)
    {
        _header = (SplitInflightHeader*)memory;
        _entries = (SplitInflightEntry*)(_header + 1);
        _count = entries;
    }

    private ushort UsedIndex => Volatile.Read(ref ((UsedRing*)Ring.Device)->Index);

    private ushort AvailableIndex => Volatile.Read(ref ((AvailableRing*)Ring.Driver)->Index);

    /// <inheritdoc/>
    public override void Clear(uint position)
    {
        for (int i = 0; i < _count; i++)
            Volatile.Write(ref _entries[i].IsInflight, 0);
        Write(new SplitInflightState { Version = CurrentVersion, EntryCount = (ushort)_count, UsedIndex = UsedIndex });
    }

    /// <inheritdoc/>
    protected override bool TryLoad(out uint position, out uint[] kept)
    {
        position = 0;
        kept = [];
        var state = Unsafe.BitCast<ulong, SplitInflightState>(Volatile.Read(ref _header->State));
        if (state.Version != CurrentVersion)
            return false;
        SplitInflightEntry[] entries = new ReadOnlySpan<SplitInflightEntry>(_entries, Ring.Size).ToArray();
        ushort used = UsedIndex;

        // What went back last may not have been struck off: as many buffers as the used ring is ahead.
        int head = state.LastBatchHead;
        for (int left = (ushort)(used - state.UsedIndex); left != 0 && head < entries.Length; left--)
        {
            entries[head].IsInflight = 0;
            Volatile.Write(ref _entries[head].IsInflight, 0);
            head = entries[head].Next;
        }

        state.UsedIndex = used;
        state.EntryCount = (ushort)_count;
        Write(state);
        Counter = 0;
        kept = [.. Enumerable.Range(0, entries.Length)
            .Where(index => entries[index].IsInflight == 1)
            .OrderBy(index => entries[index].Counter)
            .Select(index => (uint)index)];

        // More than the driver waits for: it has started the ring anew, and this is of the ring before.
        if (kept.Length > (ushort)(AvailableIndex - used))
            kept = [];
        return true;
    }

    /// <inheritdoc/>
    protected override void BeforePublish(uint used)
    {
        if (Batch.IsEmpty)
            return;
        SplitInflightState state = _state;
        foreach (uint token in Batch)
        {
            uint id = (ushort)token;
            _entries[id].Next = state.LastBatchHead;
            state.LastBatchHead = (ushort)id;
        }

        Write(state);
    }

    /// <inheritdoc/>
    protected override void AfterPublish(uint used)
    {
        if (Batch.IsEmpty)
            return;
        foreach (uint token in Batch)
            Volatile.Write(ref _entries[(ushort)token].IsInflight, 0);
        Write(_state with { UsedIndex = (ushort)used });
    }

    /// <inheritdoc/>
    protected override void Keep(uint position, uint used)
    {
        // While nothing was written down the index did not matter.
        if (_state.UsedIndex != (ushort)used)
            Write(_state with { UsedIndex = (ushort)used });
        foreach (uint token in Batch)
        {
            SplitInflightEntry* entry = _entries + (ushort)token;
            entry->Counter = Counter++;
            Volatile.Write(ref entry->IsInflight, 1);
        }
    }

    private void Write(SplitInflightState state)
    {
        _state = state;
        Volatile.Write(ref _header->State, Unsafe.BitCast<SplitInflightState, ulong>(state));
    }
}
