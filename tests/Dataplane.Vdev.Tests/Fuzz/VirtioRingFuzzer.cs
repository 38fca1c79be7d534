using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>
/// The driver's queues with all features that change what they do, the event index too, which no port negotiates; at the other
/// end is a device that lies. One thread, so that a step is the same each time.
/// </summary>
internal sealed unsafe class VirtioRingFuzzer : Fuzzer
{
    private const int Buffers = 512;

    private readonly Mempool _pool;
    private readonly QueueCounterTable _counters = new(1, 1);

    public VirtioRingFuzzer(int seed)
    {
        Rig = new FuzzRig(seed, new TemporaryFolder(), interrupts: false);
        _pool = Rig.Runtime.CreateMempool(new MempoolOptions { Name = "fuzzed", Count = Buffers, CacheSize = 0 });
    }

    protected override FuzzRig Rig { get; }

    public override void Step(Random random)
    {
        VirtioFeatures features = VirtioFeatures.Version1;
        foreach (VirtioFeatures feature in (ReadOnlySpan<VirtioFeatures>)
            [VirtioFeatures.NetMrgRxbuf, VirtioFeatures.RingIndirectDesc, VirtioFeatures.RingEventIdx, VirtioFeatures.RingPacked,
                VirtioFeatures.InOrder, VirtioFeatures.NetGuestCsum, VirtioFeatures.OrderPlatform])
            features |= random.OneIn(2) ? feature : VirtioFeatures.None;
        Run(random, features, size: 1 << random.Next(2, 9), rounds: random.Next(1, 400));
        CheckPool();
    }

    protected override void ServeGoodPeer()
    {
        VirtioFeatures[] kinds = [VirtioFeatures.None, VirtioFeatures.RingPacked, VirtioFeatures.RingEventIdx];
        foreach (VirtioFeatures kind in kinds)
        {
            VirtioFeatures features = VirtioFeatures.Version1 | kind;
            using VirtioRxQueue rx = MakeRx(features, size: 8);
            var device = new FuzzDevice(rx.Addresses, size: 8, features);
            device.Use(new Random(1), oneIn: int.MaxValue);
            var burst = new Packet[8];
            if (rx.Receive(burst) == 0)
                throw new InvalidOperationException($"a device that keeps the rules is not served, with {features}");
            Packet.Free(burst.AsSpan(0, burst.AsSpan().IndexOf(default(Packet))));
        }

        CheckPool();
    }

    public override void Dispose()
    {
        base.Dispose();
        _counters.Dispose();
    }

    private void Run(Random random, VirtioFeatures features, int size, int rounds)
    {
        using VirtioRxQueue rx = MakeRx(features, size, random.OneIn(2) ? PortOffloads.RxVlanStrip : PortOffloads.None);
        using VirtioTxQueue tx = VirtioQueues.CreateTx(
            _counters.ForTx(0, new PortConfiguration(_pool)), Options("tx", features, size), default(NoNotifier));
        tx.Start();
        var rxDevice = new FuzzDevice(rx.Addresses, size, features);
        var txDevice = new FuzzDevice(tx.Addresses, size, features);
        int oneIn = random.Pick(3, 30, 300);
        var burst = new Packet[32];
        for (int i = 0; i < rounds; i++)
        {
            rxDevice.Use(random, oneIn);
            txDevice.Use(random, oneIn);
            Span<Packet> received = burst.AsSpan(0, rx.Receive(burst.AsSpan(0, random.Next(1, burst.Length))));
            foreach (Packet packet in received)
                Check(packet);
            SendOrFree(random, tx, received);
            if (random.OneIn(4))
                SendOrFree(random, tx, MakePackets(random, burst));
            if (random.OneIn(8))
                tx.Clean();
            if (random.OneIn(8))
                rx.TryArmInterrupt();
            if (random.OneIn(8))
                rx.DisarmInterrupt();
        }
    }

    private VirtioRxQueue MakeRx(VirtioFeatures features, int size, PortOffloads offloads = PortOffloads.None)
    {
        VirtioRxQueue rx = VirtioQueues.CreateRx(
            _counters.ForRx(0, new PortConfiguration(_pool) { Offloads = offloads }), portId: 0, Options("rx", features, size), default(NoNotifier), interrupt: null);
        rx.TryStart();
        return rx;
    }

    private VirtqueueOptions Options(string name, VirtioFeatures features, int size) => new()
    {
        Memory = Rig.Runtime.Memory,
        Name = name,
        Size = size,
        Features = features,
        UsesVirtualAddresses = true,
    };

    /// <summary>Frames of one buffer or of a few.</summary>
    private Span<Packet> MakePackets(Random random, Packet[] into)
    {
        int count = 0;
        while (count < random.Next(into.Length) && TryMake(random, out Packet packet))
        {
            for (int i = random.OneIn(3) ? random.Next(8) : 0; i > 0 && TryMake(random, out Packet segment); i--)
            {
                if (!packet.TryChain(segment))
                    segment.Free();
            }

            into[count++] = packet;
        }

        return into.AsSpan(0, count);
    }

    private bool TryMake(Random random, out Packet packet) =>
        _pool.TryAllocate(out packet) && packet.TryAppend(random.Next(14, 200), out _);

    private static void SendOrFree(Random random, VirtioTxQueue tx, Span<Packet> packets) =>
        Packet.Free(packets[(random.OneIn(4) ? 0 : tx.Send(packets))..]);

    /// <summary>Nothing of a packet lies outside of its buffers.</summary>
    private static void Check(Packet packet)
    {
        uint length = 0;
        int segments = 0;
        for (Mbuf* segment = packet.Mbuf; segment != null; segment = segment->Next)
        {
            length += segment->DataLength;
            segments++;
            if (segment->DataOffset + segment->DataLength > segment->BufferLength)
                throw new InvalidOperationException($"a packet of {packet.Length} bytes leaves its buffer");
        }

        if (length != packet.Length || segments != packet.SegmentCount)
            throw new InvalidOperationException($"a packet of {packet.Length} bytes in {packet.SegmentCount} segments has {length} in {segments}");
    }

    /// <summary>All buffers are there, each once.</summary>
    private void CheckPool()
    {
        var all = new Packet[Buffers];
        if (!_pool.TryAllocateRaw(all))
            throw new InvalidOperationException($"{_pool.Statistics.InUse} mbufs are lost");
        var addresses = new HashSet<nint>();
        foreach (Packet packet in all)
            addresses.Add((nint)packet.Mbuf);
        _pool.FreeRaw(all);
        if (addresses.Count != Buffers)
            throw new InvalidOperationException($"{Buffers - addresses.Count} mbufs are in the pool twice");
    }

    /// <summary>The device polls.</summary>
    private readonly struct NoNotifier : IVirtqueueNotifier
    {
        public void Notify(ushort position)
        {
        }
    }
}

/// <summary>
/// A device of a network queue that uses some of what is available, mostly as it should. Where the driver's buffers are it is told
/// by the driver alone: it does not write there what it could not find its way by.
/// </summary>
internal sealed unsafe class FuzzDevice(VirtqueueAddresses addresses, int size, VirtioFeatures features)
{
    private readonly bool _isPacked = (features & VirtioFeatures.RingPacked) != 0;
    private ushort _used;
    private int _next;
    private bool _wrap = true;

    /// <summary>Uses some buffers, and lies now and then.</summary>
    public void Use(Random random, int oneIn)
    {
        for (int i = random.Next(1, 16); i > 0; i--)
        {
            if (_isPacked)
                UsePacked(random, oneIn);
            else
                UseSplit(random, oneIn);
        }

        if (random.OneIn(oneIn))
            Spoil(random);
    }

    private void UseSplit(Random random, int oneIn)
    {
        var available = (AvailableRing*)addresses.Driver;
        var used = (UsedRing*)addresses.Device;
        if (_used == available->Index && !random.OneIn(oneIn))
            return;
        uint id = ((ushort*)(available + 1))[_used % size];
        WriteHeader(random, ((SplitDescriptor*)addresses.Descriptors)[id], oneIn);
        if (random.OneIn(oneIn))
            id = random.OneIn(2) ? (uint)random.Next(size) : (uint)random.Odd();
        ((UsedElement*)(used + 1))[_used++ % size] = new UsedElement { Id = id, Written = Written(random, oneIn) };
        if (!random.OneIn(3))
            used->Index = _used;
    }

    private void UsePacked(Random random, int oneIn)
    {
        PackedDescriptor* descriptor = (PackedDescriptor*)addresses.Descriptors + _next;
        DescriptorFlags flags = descriptor->Flags & (DescriptorFlags.Available | DescriptorFlags.Used);
        if (flags != (_wrap ? DescriptorFlags.Available : DescriptorFlags.Used) && !random.OneIn(oneIn))
            return;
        WriteHeader(random, new SplitDescriptor { Address = descriptor->Address, Flags = descriptor->Flags }, oneIn);
        int id = random.OneIn(oneIn) ? (int)(uint)random.Odd() : descriptor->Id;
        flags = _wrap ? DescriptorFlags.Available | DescriptorFlags.Used : DescriptorFlags.None;
        int count = 1;
        for (PackedDescriptor* last = descriptor; (last->Flags & DescriptorFlags.Next) != 0 && count < size; count++)
            last = (PackedDescriptor*)addresses.Descriptors + ((_next + count) % size);
        PackedDescriptor.Rest(descriptor) = PackedDescriptor.RestOf(Written(random, oneIn), (ushort)id, flags);
        _next += count;
        if (_next < size)
            return;
        _next -= size;
        _wrap = !_wrap;
    }

    /// <summary>What stands in front of a received frame; what is sent is only read.</summary>
    private void WriteHeader(Random random, SplitDescriptor descriptor, int oneIn)
    {
        if ((descriptor.Flags & DescriptorFlags.Write) == 0 || descriptor.Address == 0)
            return;
        *(VirtioNetHeader*)descriptor.Address = new VirtioNetHeader
        {
            Flags = (byte)random.Next(4),
            ChecksumStart = (ushort)(random.OneIn(oneIn) ? random.Odd() : 14),
            ChecksumOffset = (ushort)(random.OneIn(oneIn) ? random.Odd() : 6),
            NumBuffers = (ushort)(random.OneIn(oneIn) ? random.Odd() : (ulong)(random.OneIn(6) ? random.Next(1, 6) : 1)),
        };
    }

    private static uint Written(Random random, int oneIn) =>
        random.OneIn(oneIn) ? (uint)random.Odd() : (uint)random.Next(VirtioNetHeader.Length + 64, Mbuf.DefaultDataRoom);

    private void Spoil(Random random)
    {
        switch (random.Next(4))
        {
            case 0 when !_isPacked:
                _used = ((UsedRing*)addresses.Device)->Index = (ushort)random.Odd();
                break;
            case 1 when !_isPacked:
                random.Mutate(new Span<byte>((void*)addresses.Device, UsedRing.HeaderLength + (size * UsedElement.Length) + sizeof(ushort)));
                break;
            case 2 when _isPacked:
                random.Mutate(new Span<byte>(&((PackedDescriptor*)addresses.Descriptors)[random.Next(size)].BufferLength, sizeof(ulong)));
                break;
            case 3 when _isPacked:
                random.Mutate(new Span<byte>((void*)addresses.Device, EventSuppression.Length));
                break;
            default:
                random.Mutate(new Span<byte>((void*)addresses.Driver, _isPacked ? EventSuppression.Length : AvailableRing.HeaderLength));
                break;
        }
    }
}
