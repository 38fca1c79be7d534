using System.Runtime.InteropServices;
using Dataplane.Memory;

namespace Dataplane.Virtio;

/// <summary>
/// What a driver remembers of its buffers, by id, in memory of its own that no device or peer sees; and a queue of free ids.
/// Ids leave and come back in order, so that with a device that works in order, which all do in practice, id and place in
/// the ring stay together.
/// </summary>
internal sealed unsafe class DriverSlots : IDisposable
{
    private readonly AlignedMemory _memory;

    public DriverSlots(int size)
    {
        Size = size;
        _memory = new AlignedMemory((nuint)(size * (sizeof(DriverSlot) + sizeof(ushort))));
        Slots = (DriverSlot*)_memory.Address;
        FreeIds = (ushort*)(Slots + size);
        Clear();
    }

    public int Size { get; }

    /// <summary>One per id.</summary>
    public DriverSlot* Slots { get; }

    /// <summary>A ring of as many ids; the driver ring knows which of them are free.</summary>
    public ushort* FreeIds { get; }

    /// <summary>Forgets all buffers.</summary>
    public void Clear()
    {
        for (int i = 0; i < Size; i++)
        {
            Slots[i] = default;
            FreeIds[i] = (ushort)i;
        }
    }

    /// <summary>
    /// Takes all buffers from a device that is stopped. The ring is to be made anew behind it.
    /// </summary>
    public IReadOnlyList<nint> TakeAll()
    {
        var tokens = new List<nint>();
        for (int i = 0; i < Size; i++)
        {
            if (Slots[i].Count != 0)
                tokens.Add(Slots[i].Token);
        }

        Clear();
        return tokens;
    }

    public void Dispose() => _memory.Dispose();
}

/// <summary>A buffer of the driver.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct DriverSlot
{
    /// <summary>Of whoever added the buffer.</summary>
    [FieldOffset(0)] public nint Token;

    /// <summary>Descriptors of the buffer; 0 while it is not in flight.</summary>
    [FieldOffset(8)] public ushort Count;

    /// <summary>Split: the next descriptor of the same buffer; the device may have changed what stands in the ring.</summary>
    [FieldOffset(10)] public ushort Next;
}
