using System.Runtime.CompilerServices;

namespace Dataplane.Virtio;

/// <inheritdoc/>
/// <remarks>
/// Used descriptors overwrite those that were taken, so that a buffer is written down with all of its descriptors, in
/// entries from a list of free ones. Where the ring stands is written down at each publishing: nothing else knows it.
/// </remarks>
internal sealed unsafe class PackedInflightLog : InflightLog
{
    private const ushort None = ushort.MaxValue;

    private readonly PackedInflightHeader* _header;
    private readonly PackedInflightEntry* _entries;
    private readonly int _count;

    // As the memory has it, which the driver may change: the entry behind an entry, the last one of a buffer, and the first
    // one of the buffer that has an id.
    private readonly ushort[] _next;
    private readonly ushort[] _last;
    private readonly ushort[] _entryOf;
    private PackedInflightList _list;
    private PackedInflightUsed _used;

    public PackedInflightLog(nint memory, int entries, DeviceRingOptions ring)
        : base(ring)
    {
        _header = (PackedInflightHeader*)memory;
        _entries = (PackedInflightEntry*)(_header + 1);
        _count = entries;
        _next = new ushort[entries];
        _last = new ushort[entries];
        _entryOf = new ushort[ring.Size];
    }

    /// <inheritdoc/>
    public override void Clear(uint position)
    {
        Array.Fill(_entryOf, None);
        for (int i = 0; i < _count; i++)
        {
            Volatile.Write(ref _entries[i].IsInflight, 0);
            Link((ushort)i, (ushort)(i + 1));
        }

        WriteUsed(position, isDone: true);
        WriteList(new PackedInflightList { Version = CurrentVersion, EntryCount = (ushort)_count });
    }

    /// <inheritdoc/>
    protected override bool TryLoad(out uint position, out uint[] kept)
    {
        position = 0;
        kept = [];
        var list = Unsafe.BitCast<ulong, PackedInflightList>(Volatile.Read(ref _header->List));
        var used = Unsafe.BitCast<ulong, PackedInflightUsed>(Volatile.Read(ref _header->Used));
        PackedInflightEntry[] entries = new ReadOnlySpan<PackedInflightEntry>(_entries, _count).ToArray();
        if (list.Version != CurrentVersion || used.UsedIndex >= Ring.Size || used.OldUsedIndex >= Ring.Size)
            return false;

        // Was the driver shown what was going back last? Then it went back, else it did not.
        bool isDone = (used.UsedIndex, used.UsedWrap) == (used.OldUsedIndex, used.OldUsedWrap)
            || !IsAvailable(used.OldUsedIndex, used.OldUsedWrap != 0);
        list.OldFreeHead = list.FreeHead = isDone ? list.FreeHead : list.OldFreeHead;
        position = isDone ? Place(used.UsedIndex, used.UsedWrap) : Place(used.OldUsedIndex, used.OldUsedWrap);
        WriteList(list);
        WriteUsed(position, isDone: true);
        int free = list.FreeHead;
        for (int left = _count; left != 0 && free < _count; left--)
        {
            entries[free].IsInflight = 0;
            Volatile.Write(ref _entries[free].IsInflight, 0);
            free = entries[free].Next;
        }

        ushort[] heads = [.. Enumerable.Range(0, _count)
            .Where(index => entries[index].IsInflight == 1)
            .OrderBy(index => entries[index].Counter)
            .Select(index => (ushort)index)];
        bool isPossible = Array.TrueForAll(heads, head => IsPossible(entries[head]))
            && heads.Sum(head => entries[head].Count) <= Ring.Size;
        if (!isPossible)
            return true;
        Array.Fill(_entryOf, None);
        foreach (ushort head in heads)
        {
            _entryOf[entries[head].Id] = head;
            _last[head] = entries[head].Last;
        }

        kept = Array.ConvertAll(heads, head => entries[head].Id | ((uint)entries[head].Count << 16));
        return true;
    }

    /// <inheritdoc/>
    protected override void BeforePublish(uint used)
    {
        if (!Batch.IsEmpty)
        {
            PackedInflightList list = _list;
            foreach (uint token in Batch)
            {
                ushort entry = _entryOf[(ushort)token];
                if (entry == None)
                    continue;
                Link(_last[entry], list.FreeHead);
                list.FreeHead = entry;
            }

            WriteList(list);
        }

        if (used != Place(_used.OldUsedIndex, _used.OldUsedWrap))
            WriteUsed(used, isDone: false);
    }

    /// <inheritdoc/>
    protected override void AfterPublish(uint used)
    {
        if (!Batch.IsEmpty)
        {
            foreach (uint token in Batch)
            {
                ref ushort entry = ref _entryOf[(ushort)token];
                if (entry == None)
                    continue;
                Volatile.Write(ref _entries[entry].IsInflight, 0);
                entry = None;
            }

            WriteList(_list with { OldFreeHead = _list.FreeHead });
        }

        if (used != Place(_used.OldUsedIndex, _used.OldUsedWrap))
            WriteUsed(used, isDone: true);
    }

    /// <inheritdoc/>
    protected override void Keep(uint position, uint used)
    {
        int at = (ushort)position & ~EventSuppression.WrapBit;
        foreach (uint token in Batch)
            at -= (int)(token >> 16);
        if (at < 0)
            at += Ring.Size;
        foreach (uint token in Batch)
        {
            Keep(token, at);
            at += (int)(token >> 16);
            if (at >= Ring.Size)
                at -= Ring.Size;
        }
    }

    /// <summary>Writes a buffer down whose descriptors are where they were taken from.</summary>
    private void Keep(uint token, int at)
    {
        int count = (int)(token >> 16);
        ushort head = _list.FreeHead;
        ushort last = head;
        ushort free = head;
        for (int i = 0; i < count; i++)
        {
            // A driver that makes more available than it has runs out of them, and has to do without.
            if (free >= _count)
                return;
            PackedDescriptor* descriptor = (PackedDescriptor*)Ring.Descriptors + ((at + i) % Ring.Size);
            ulong rest = PackedDescriptor.Rest(descriptor);
            PackedInflightEntry* entry = _entries + free;
            entry->Address = descriptor->Address;
            entry->BufferLength = (uint)rest;
            entry->Id = (ushort)token;
            entry->Flags = (DescriptorFlags)(rest >> 48);
            last = free;
            free = _next[free];
        }

        _last[head] = last;
        _entryOf[(ushort)token] = head;
        _entries[head].Last = last;
        _entries[head].Count = (ushort)count;
        _entries[head].Counter = Counter++;
        Volatile.Write(ref _entries[head].IsInflight, 1);
        WriteList(_list with { FreeHead = free, OldFreeHead = free });
    }

    private bool IsPossible(PackedInflightEntry entry) =>
        entry.Id < Ring.Size && entry.Last < _count && entry.Count != 0 && entry.Count <= Ring.Size;

    /// <summary>Whether a descriptor is as the driver left it, at a wrap counter.</summary>
    private bool IsAvailable(int index, bool wrap) => PackedDescriptor.IsAvailable(
        Volatile.Read(ref PackedDescriptor.Rest((PackedDescriptor*)Ring.Descriptors + index)), wrap);

    private void Link(ushort entry, ushort next)
    {
        _next[entry] = next;
        _entries[entry].Next = next;
    }

    private void WriteList(PackedInflightList list)
    {
        _list = list;
        Volatile.Write(ref _header->List, Unsafe.BitCast<PackedInflightList, ulong>(list));
    }

    /// <summary>Writes where the ring stands, or will stand when what goes back has been shown.</summary>
    private void WriteUsed(uint position, bool isDone)
    {
        _used.UsedIndex = (ushort)(position & ~(uint)EventSuppression.WrapBit);
        _used.UsedWrap = (position & EventSuppression.WrapBit) != 0 ? (byte)1 : (byte)0;
        if (isDone)
            (_used.OldUsedIndex, _used.OldUsedWrap) = (_used.UsedIndex, _used.UsedWrap);
        Volatile.Write(ref _header->Used, Unsafe.BitCast<PackedInflightUsed, ulong>(_used));
    }

    private static uint Place(ushort index, byte wrap) => EventSuppression.Place(index, wrap != 0);
}
