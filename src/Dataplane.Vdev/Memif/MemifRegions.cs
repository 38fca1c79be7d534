using System.Diagnostics.CodeAnalysis;
using Dataplane.Memory;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// The memory of a connection, and what of it is lent to packets. It outlives the connection until the last of those is
/// freed. The control thread's.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Packets may refer to it for longer than its owner lives: see TryRelease.")]
internal sealed unsafe class MemifRegions
{
    private readonly AlignedMemory _table = new((nuint)(MemifNumbers.MaxRegions * sizeof(MemifRegion)));
    private readonly List<PeerMemory> _mapped = [];
    private readonly List<ExternalReturns> _returns = [];
    private MemifOwnRegion? _own;

    /// <summary>The regions, for queues.</summary>
    public MemifRegion* Table => (MemifRegion*)_table.Address;

    public int Count { get; private set; }

    /// <summary>Client: region 0, which has the rings.</summary>
    public MemifOwnRegion Own
    {
        get => _own!;
        set
        {
            _own = value;
            Add(value.Address, value.Length);
        }
    }

    /// <summary>Whether the client has cut one of the files short.</summary>
    public bool IsLost => _mapped.Any(static memory => memory.IsLost);

    /// <summary>Server: the client's next region, which this object releases.</summary>
    public void Add(PeerMemory memory)
    {
        _mapped.Add(memory);
        Add(memory.Address, memory.Length);
    }

    /// <summary>Makes what remembers the buffers of a receive ring.</summary>
    public ExternalReturns CreateReturns(int ringSize)
    {
        var returns = new ExternalReturns(ringSize);
        _returns.Add(returns);
        return returns;
    }

    /// <summary>Gives everything back, if no packet refers to it any more. No lcore uses the connection.</summary>
    public bool TryRelease()
    {
        if (_returns.Exists(static returns => !returns.IsIdle))
            return false;
        _returns.ForEach(static returns => returns.Dispose());
        _mapped.ForEach(static memory => memory.Release());
        _own?.Dispose();
        _table.Dispose();
        return true;
    }

    private void Add(byte* address, ulong length) =>
        Table[Count++] = new MemifRegion { Address = address, Length = length };
}
