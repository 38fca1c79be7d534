using System.Runtime.CompilerServices;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Benchmarks.Nics;

/// <summary>
/// The device's end of a receive and a transmit ring, played by a thread on a CPU of its own: whatever buffer it is
/// given gets a 60-byte frame at once, whatever it shall send is sent at once. It touches descriptors and tail
/// registers, as a NIC does, and no data.
/// </summary>
internal sealed unsafe class RingDevice : IDisposable
{
    /// <summary>Offset of the receive tail register.</summary>
    public const int RxTail = 0;

    /// <summary>Offset of the transmit tail register, on a line of its own.</summary>
    public const int TxTail = AlignedMemory.Alignment;

    /// <summary>Descriptors that are looked at in turn on either side.</summary>
    private const uint Batch = 64;

    /// <summary>
    /// Pause between two looks at the tail registers, as SpinWait counts it. A write to a NIC's register is posted; it does
    /// not wait for a cache line that a device, asking without pause, would have taken away each time.
    /// </summary>
    private const int Rest = 3;

    private const int FrameLength = 60;

    private readonly AlignedMemory _registers = new(2 * AlignedMemory.Alignment);
    private DescriptorRing? _rx;
    private DescriptorRing? _tx;
    private Thread? _thread;
    private bool _stopping;

    public MappedRegisters Registers => new(_registers.Address);

    public void Start(DescriptorRing rx, DescriptorRing tx, int cpu)
    {
        _rx = rx;
        _tx = tx;
        _thread = new Thread(() =>
        {
            _ = ThreadAffinity.TrySet(0, new CpuSet([cpu]));
            Run();
        });
        _thread.Start();
    }

    public void Dispose()
    {
        Volatile.Write(ref _stopping, true);
        _thread?.Join();
        _registers.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run()
    {
        DescriptorRing rx = _rx!, tx = _tx!;
        uint rxMask = (uint)rx.Length - 1, txMask = (uint)tx.Length - 1;
        uint rxHead = 0, txHead = 0;
        MappedRegisters registers = Registers;
        while (!Volatile.Read(ref _stopping))
        {
            rxHead = Receive(rx.Descriptors, rxHead, registers.Read32(RxTail), rxMask);
            txHead = Send(tx.Descriptors, txHead, registers.Read32(TxTail), txMask);
            Thread.SpinWait(Rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Receive(Descriptor* descriptors, uint head, uint tail, uint mask)
    {
        for (uint i = 0; i < Batch && head != tail; i++, head = (head + 1) & mask)
        {
            descriptors[head].Low = 0;
            Volatile.Write(
                ref descriptors[head].High,
                AdvancedRx.Done | AdvancedRx.EndOfPacket | ((ulong)FrameLength << AdvancedRx.LengthShift));
        }

        return head;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Send(Descriptor* descriptors, uint head, uint tail, uint mask)
    {
        for (uint i = 0; i < Batch && head != tail; i++, head = (head + 1) & mask)
        {
            if ((Volatile.Read(ref descriptors[head].High) & TxBits.ReportStatus) != 0)
                Volatile.Write(ref descriptors[head].High, TxBits.Done);
        }

        return head;
    }
}
