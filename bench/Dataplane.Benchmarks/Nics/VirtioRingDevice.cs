using System.Runtime.CompilerServices;
using Dataplane.Lcores;
using Dataplane.Virtio;

namespace Dataplane.Benchmarks.Nics;

/// <summary>
/// The device's end of a receive and a transmit virtqueue, played by a thread on a CPU of its own, in order and in batches,
/// without notifications: every receive buffer gets a 60-byte frame, of which only the header is written.
/// </summary>
internal sealed unsafe class VirtioRingDevice : IDisposable
{
    private const int Batch = 32;
    private const int Rest = 3;
    private const uint FrameLength = VirtioNetHeader.Length + 60;

    private readonly Thread _thread;
    private readonly int _size;
    private bool _stopping;

    public VirtioRingDevice(VirtqueueAddresses rx, VirtqueueAddresses tx, int size, bool packed, int cpu)
    {
        _size = size;
        _thread = new Thread(() =>
        {
            _ = ThreadAffinity.TrySet(0, new CpuSet([cpu]));
            if (packed)
                RunPacked(rx, tx);
            else
                RunSplit(rx, tx);
        });
        _thread.Start();
    }

    public void Dispose()
    {
        Volatile.Write(ref _stopping, true);
        _thread.Join();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunSplit(VirtqueueAddresses rx, VirtqueueAddresses tx)
    {
        ushort rxIndex = 0, txIndex = 0;

        // An event that is never reached: the driver need not notify.
        *(ushort*)(rx.Device + 4 + ((uint)_size * UsedElement.Length)) = 1 << 15;
        *(ushort*)(tx.Device + 4 + ((uint)_size * UsedElement.Length)) = 1 << 15;
        while (!Volatile.Read(ref _stopping))
        {
            rxIndex = ServeSplit(rx, rxIndex, FrameLength);
            txIndex = ServeSplit(tx, txIndex, 0);
            Thread.SpinWait(Rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ushort ServeSplit(VirtqueueAddresses queue, ushort index, uint written)
    {
        uint mask = (uint)_size - 1;
        var available = (AvailableRing*)queue.Driver;
        var used = (UsedRing*)queue.Device;
        int ready = Math.Min((int)(ushort)(Volatile.Read(ref available->Index) - index), Batch);
        if (ready == 0)
            return index;
        for (int i = 0; i < ready; i++, index++)
        {
            ushort id = ((ushort*)(available + 1))[index & mask];
            if (written != 0)
                ((VirtioNetHeader*)((SplitDescriptor*)queue.Descriptors)[id].Address)->NumBuffers = 1;
            else
                _ = Volatile.Read(ref ((SplitDescriptor*)queue.Descriptors)[id].BufferLength);
            ((UsedElement*)(used + 1))[index & mask] = new UsedElement { Id = id, Written = written };
        }

        Volatile.Write(ref used->Index, index);
        return index;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunPacked(VirtqueueAddresses rx, VirtqueueAddresses tx)
    {
        uint rxNext = 0, txNext = 0;
        bool rxWrap = true, txWrap = true;
        EventSuppression.Both((EventSuppression*)rx.Device) = (uint)EventSuppression.Disable << 16;
        EventSuppression.Both((EventSuppression*)tx.Device) = (uint)EventSuppression.Disable << 16;
        while (!Volatile.Read(ref _stopping))
        {
            ServePacked((PackedDescriptor*)rx.Descriptors, ref rxNext, ref rxWrap, FrameLength);
            ServePacked((PackedDescriptor*)tx.Descriptors, ref txNext, ref txWrap, 0);
            Thread.SpinWait(Rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ServePacked(PackedDescriptor* ring, ref uint next, ref bool wrap, uint written)
    {
        for (int i = 0; i < Batch; i++)
        {
            ref ulong rest = ref PackedDescriptor.Rest(ring + next);
            ulong value = Volatile.Read(ref rest);
            var flags = (DescriptorFlags)(value >> 48);
            if ((flags & DescriptorFlags.Available) != 0 != wrap || (flags & DescriptorFlags.Used) != 0 == wrap)
                return;
            if (written != 0)
                ((VirtioNetHeader*)ring[next].Address)->NumBuffers = 1;
            DescriptorFlags usedFlags = wrap ? DescriptorFlags.Available | DescriptorFlags.Used : DescriptorFlags.None;
            Volatile.Write(ref rest, PackedDescriptor.RestOf(written, (ushort)(value >> 32), usedFlags));
            if (++next == _size)
            {
                next = 0;
                wrap = !wrap;
            }
        }
    }
}
