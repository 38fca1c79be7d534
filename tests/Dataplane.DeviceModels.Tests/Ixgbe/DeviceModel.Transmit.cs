using System.Buffers.Binary;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <content>Transmit rings.</content>
internal abstract unsafe partial class DeviceModel
{
    private const int MaxFrame = 15872 - 4;
    private const int MinPayload = 17;
    private const int PaddedLength = 60;
    private const int MaxDescriptors = 40;
    private const ulong ReportStatus = 1UL << 27, Extended = 1UL << 29, InsertFcs = 1UL << 25, LastDescriptor = 1UL << 24;
    private const ulong InsertVlan = 1UL << 30, CheckContext = 1UL << 39, IpChecksum = 1UL << 40, L4Checksum = 1UL << 41;
    private const ulong StatusDone = 1UL << 32, TcpContext = 1UL << 11, Ipv4Context = 1UL << 10;
    private const int ContextType = 2, DataType = 3;

    private const int Contexts = 2;

    private readonly Dictionary<(int Queue, int Index), (ulong Low, ulong High)> _contexts = [];

    /// <summary>Whether what is sent passes the switch between functions, which looks into the context of every packet.</summary>
    protected virtual bool IsSwitched => false;

    /// <summary>Checks and completes the enabling or disabling of a transmit queue (4.6.8, 4.6.8.1).</summary>
    protected void OnTxControl(int queue, uint before, uint value)
    {
        int block = TxBlock(queue);
        int control = block + Offset.Control;
        if (((before ^ value) & QueueEnable) == 0)
            return;
        File[control] = (value & ~QueueEnable) | (before & QueueEnable);
        // 4.6.8.1: what waits for the link keeps the queue enabled.
        bool isStuck = (value & QueueEnable) == 0 && !IsLinkUp && File[block + Offset.Head] != File[block + Offset.Tail];
        if (!isStuck)
            File.After(2, control, () => File[control] = value);
        for (int i = 0; i < Contexts; i++)
            _contexts.Remove((queue, i));
        if ((value & QueueEnable) == 0)
            return;
        Require(IsTransmitting, $"4.6.8: TXDCTL[{queue}].ENABLE set before DMATXCTL.TE");
        CheckRing(block, "TD");
    }

    /// <summary>Checks the tail and sends what it gives (4.6.8).</summary>
    protected void OnTxTail(int queue, uint value)
    {
        int block = TxBlock(queue);
        if (value == 0 && (File[block + Offset.Control] & QueueEnable) == 0)
            return;
        Require(
            (File[block + Offset.Control] & QueueEnable) != 0,
            $"4.6.8: TDT[{queue}] written before TXDCTL[{queue}].ENABLE was read as 1b");
        Require(value < RingLength(block), $"8.2.3.9.9: TDT[{queue}] = {value} is beyond the ring");
        Transmit(queue);
    }

    /// <summary>Sends what waits, if it can be sent.</summary>
    protected void Transmit(int queue)
    {
        int block = TxBlock(queue);
        var frame = new List<byte>();
        var pieces = new List<ulong>();
        while (IsLinkUp && IsTransmitting && (File[block + Offset.Control] & QueueEnable) != 0
            && File[block + Offset.Head] != File[block + Offset.Tail])
        {
            uint head = File[block + Offset.Head];
            ulong* descriptor = (ulong*)Dma(
                Join(File[block + Offset.BaseLow], File[block + Offset.BaseHigh]) + (head * DescriptorSize),
                DescriptorSize,
                "transmit descriptor");
            Take(queue, descriptor[0], descriptor[1], frame, pieces);
            if ((descriptor[1] & ReportStatus) != 0)
                Volatile.Write(ref descriptor[1], StatusDone);
            File[block + Offset.Head] = (head + 1) % RingLength(block);
        }

        Require(!IsLinkUp || pieces.Count == 0, "7.2.3.3: the tail was written in the middle of a packet");
    }

    private void Take(int queue, ulong low, ulong high, List<byte> frame, List<ulong> pieces)
    {
        Require((high & Extended) != 0, "7.2.3.2.1: a transmit descriptor is not extended");
        int type = (int)(high >> 20) & 0xF;
        if (type == ContextType)
        {
            Require(pieces.Count == 0, "7.2.3.2.3: a context within a packet");
            _contexts[(queue, ContextIndex(high))] = (low, high);
            return;
        }

        Require(type == DataType, $"7.2.3.2.4: DTYP {type} is neither context nor data");
        Require((high & InsertFcs) != 0, "7.2.3.2.4: IFCS is not set");
        Require((high & (1UL << 32)) == 0, "7.2.3.2.4: DD is set in a descriptor that is given to the device");
        bool isLast = (high & LastDescriptor) != 0;
        Require(isLast || (high & ReportStatus) == 0, "7.2.3.2.4: RS without EOP");
        int length = (ushort)high;
        Require(length != 0, "7.2.3.2.4: a descriptor without data");
        frame.AddRange(new ReadOnlySpan<byte>(Dma(low, length, "sent frame"), length));
        pieces.Add(high);
        if (!isLast)
            return;
        int payload = (int)(pieces[0] >> 46);
        Require(payload == frame.Count, $"7.2.3.2.4: PAYLEN {payload} of a packet of {frame.Count} bytes");
        Require(frame.Count is >= MinPayload and <= MaxFrame, $"7.2.1.2.1: a packet of {frame.Count} bytes");
        Require(pieces.Count < MaxDescriptors, $"7.2.3.3: a packet of {pieces.Count} descriptors");
        byte[] sent = Complete(queue, [.. frame], pieces[0]);
        frame.Clear();
        pieces.Clear();
        Wire(sent);
        OnSent(queue, sent);
    }

    /// <summary>Does what the packet asks for (7.2.5, 7.4.4).</summary>
    private byte[] Complete(int queue, byte[] frame, ulong options)
    {
        ulong wanted = options & (InsertVlan | IpChecksum | L4Checksum);
        Require(
            (IsSwitched || wanted != 0) == ((options & CheckContext) != 0),
            "7.2.3.2.4: CC is set if and only if a context is used, which the switch does with every packet");
        if ((options & CheckContext) != 0)
        {
            Require(
                _contexts.TryGetValue((queue, ContextIndex(options)), out (ulong Low, ulong High) context),
                "7.2.3.2.3: a packet refers to a context that there is not");
            (ulong low, ulong high) = context;
            int l2 = (int)(low >> 9) & 0x7F;
            int l3 = (int)low & 0x1FF;
            Require(l2 >= 14, $"7.2.3.2.3: MACLEN {l2}");
            if ((wanted & IpChecksum) != 0)
            {
                Require((high & Ipv4Context) != 0, "7.2.3.2.3: an IPv4 checksum for what is not IPv4");
                Store(frame, l2 + 10, FrameView.Sum(frame.AsSpan(l2, l3)));
            }

            if ((wanted & L4Checksum) != 0)
            {
                int place = l2 + l3 + ((high & TcpContext) != 0 ? 16 : 6);
                Store(frame, place, FrameView.Sum(frame.AsSpan(l2 + l3)));
            }

            if ((wanted & InsertVlan) != 0)
                frame = [.. frame[..12], 0x81, 0, (byte)(low >> 24), (byte)(low >> 16), .. frame[12..]];
        }

        if (frame.Length < PaddedLength)
            Array.Resize(ref frame, PaddedLength);
        return frame;
    }

    private int ContextIndex(ulong high)
    {
        int index = (int)(high >> 36) & 7;
        Require(index < Contexts, $"7.2.3.2.3: IDX {index}");
        return index;
    }

    private static void Store(byte[] frame, int place, uint sum) =>
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(place), (ushort)~FrameView.Fold(sum));
}
