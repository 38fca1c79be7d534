using System.Buffers.Binary;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <content>Receive rings.</content>
internal abstract unsafe partial class DeviceModel
{
    private const int DescriptorSize = 16;
    private const ushort VlanType = 0x8100;
    private const uint DropEnable = 1u << 28;
    private const ulong Done = 1, EndOfPacket = 2, VlanPacket = 1 << 3, UdpChecked = 1 << 4, L4Checked = 1 << 5, IpChecked = 1 << 6;
    private const ulong L4Error = 1UL << 30, IpError = 1UL << 31;

    /// <summary>Checks and completes the enabling or disabling of a receive queue (4.6.7, 4.6.7.1).</summary>
    protected void OnRxControl(int queue, uint before, uint value)
    {
        int block = RxBlock(queue);
        int control = block + Offset.Control;
        if (((before ^ value) & QueueEnable) == 0)
            return;
        // The bit follows when the device is ready (4.6.7.1: software polls it).
        File[control] = (value & ~QueueEnable) | (before & QueueEnable);
        File.After(2, control, () => File[control] = value);
        if ((value & QueueEnable) == 0)
            return;
        CheckRing(block, "RD");
        uint split = File[block + Offset.SplitControl];
        Require((split >> 25 & 7) == 1, $"8.2.3.8.7: SRRCTL[{queue}].DESCTYPE is not advanced with one buffer");
        Require((split & 0x1F) is > 0 and <= 16, $"8.2.3.8.7: SRRCTL[{queue}].BSIZEPACKET is not 1 to 16 KB");
        Require((File[block + Offset.Dca] & (1 << 12)) == 0, $"4.6.7: bit 12 of DCA_RXCTRL[{queue}] is set");
    }

    /// <summary>Checks the tail and uses what it gives (4.6.7).</summary>
    protected void OnRxTail(int queue, uint value)
    {
        int block = RxBlock(queue);
        if (value != 0 || (File[block + Offset.Control] & QueueEnable) != 0)
        {
            Require(
                (File[block + Offset.Control] & QueueEnable) != 0,
                $"4.6.7: RDT[{queue}] bumped before RXDCTL[{queue}].ENABLE was read as 1b");
            Require(value < RingLength(block), $"8.2.3.8.5: RDT[{queue}] = {value} is beyond the ring");
        }

        DrainPacketBuffer();
    }

    /// <summary>Checks that a ring is not changed under the device (4.6.7.1, 4.6.8.1).</summary>
    protected void OnRingChange(int block, int register, uint before, uint value)
    {
        bool isEnabled = (File[block + Offset.Control] & QueueEnable) != 0;
        Require(!isEnabled || before == value, $"4.6.7.1: register 0x{block + register:x} of an enabled queue changed");
    }

    /// <summary>Puts a frame into the ring of a queue, or lets it wait for buffers, or drops it.</summary>
    protected void Receive(int queue, byte[] frame, uint hash, int hashType)
    {
        if ((File[RxBlock(queue) + Offset.Control] & QueueEnable) == 0)
            return; // 4.6.7: packets for a disabled queue are dropped
        byte[] content = Strip(queue, frame, out RxFindings findings);
        findings = findings with { Low = (uint)hashType | ((ulong)hash << 32) };
        bool drops = (File[RxBlock(queue) + Offset.SplitControl] & DropEnable) != 0;
        if (_packetBuffer.Count == 0 && TryWrite(queue, content, findings))
            return;
        if (drops)
            OnDropped(queue);
        else if (BytesWaiting + content.Length > PacketBufferSize)
            OnMissed();
        else
            Enqueue(queue, content, findings);
    }

    /// <summary>What waits in the packet buffer is gone.</summary>
    protected void ClearPacketBuffer()
    {
        _packetBuffer.Clear();
        BytesWaiting = 0;
    }

    /// <summary>Room for more: frames that wait go first.</summary>
    protected void DrainPacketBuffer()
    {
        while (_packetBuffer.TryPeek(out (int Queue, byte[] Frame, RxFindings Findings) waiting)
            && TryWrite(waiting.Queue, waiting.Frame, waiting.Findings))
        {
            _packetBuffer.Dequeue();
            BytesWaiting -= waiting.Frame.Length;
        }

        TakeFromWire();
    }

    private int BytesWaiting { get; set; }

    private void Enqueue(int queue, byte[] content, RxFindings findings)
    {
        _packetBuffer.Enqueue((queue, content, findings));
        BytesWaiting += content.Length;
    }

    private uint RingLength(int block) => File[block + Offset.Length] / DescriptorSize;

    private void CheckRing(int block, string prefix)
    {
        ulong address = Join(File[block + Offset.BaseLow], File[block + Offset.BaseHigh]);
        uint length = File[block + Offset.Length];
        Require(address != 0, $"4.6.7, 4.6.8: queue enabled before {prefix}BAL and {prefix}BAH are set");
        Require(address % 128 == 0, $"8.2.3.8.1: {prefix}BAL is not aligned to 128 bytes");
        Require(length != 0 && length % 128 == 0, $"8.2.3.8.3: {prefix}LEN = {length} is not a multiple of 128 bytes");
        Require(
            File[block + Offset.Head] == 0 && File[block + Offset.Tail] == 0,
            $"8.2.3.8.4: {prefix}H and {prefix}T are not zero when the queue is enabled");
        _ = Dma(address, (int)length, "ring");
    }

    private bool TryWrite(int queue, byte[] frame, RxFindings findings)
    {
        int block = RxBlock(queue);
        if (!IsReceiving || !IsBusMaster || (File[block + Offset.Control] & QueueEnable) == 0)
            return false;
        int buffer = (int)(File[block + Offset.SplitControl] & 0x1F) * 1024;
        uint length = RingLength(block);
        uint head = File[block + Offset.Head];
        uint free = (File[block + Offset.Tail] + length - head) % length;
        int needed = Math.Max(1, (frame.Length + buffer - 1) / buffer);
        if (needed > free)
            return false;
        for (int i = 0; i < needed; i++)
        {
            ReadOnlySpan<byte> part = frame.AsSpan(i * buffer, Math.Min(buffer, frame.Length - (i * buffer)));
            WriteDescriptor(block, head, part, i == needed - 1, findings);
            head = (head + 1) % length;
        }

        File[block + Offset.Head] = head;
        OnReceived(queue, frame);
        return true;
    }

    /// <summary>Lets a test spoil what is written back.</summary>
    public Func<(ulong Low, ulong High), (ulong Low, ulong High)> WriteBack { get; set; } = words => words;

    private void WriteDescriptor(int block, uint index, ReadOnlySpan<byte> part, bool isLast, RxFindings findings)
    {
        ulong ring = Join(File[block + Offset.BaseLow], File[block + Offset.BaseHigh]);
        ulong* descriptor = (ulong*)Dma(ring + (index * DescriptorSize), DescriptorSize, "receive descriptor");
        Require((descriptor[1] & Done) == 0, "7.1.6.1: DD is set in a receive descriptor that software gave to the device");
        part.CopyTo(new Span<byte>(Dma(descriptor[0], part.Length, "received frame"), part.Length));
        ulong high = Done | ((ulong)part.Length << 32);
        if (isLast)
            high |= EndOfPacket | findings.High;
        (ulong Low, ulong High) words = WriteBack((findings.Low, high));
        descriptor[0] = words.Low;
        Volatile.Write(ref descriptor[1], words.High);
    }

    /// <summary>Takes the tag out if the queue shall, and checks the checksums (7.1.6.2, 7.1.11).</summary>
    private byte[] Strip(int queue, byte[] frame, out RxFindings findings)
    {
        ulong high = 0;
        bool isTagged = TypeOf(frame) == VlanType;
        byte[] untagged = isTagged ? [.. frame[..12], .. frame[16..]] : frame;
        if (isTagged && (File[RxBlock(queue) + Offset.Control] & StripVlan) != 0)
            high |= VlanPacket | ((ulong)BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(14)) << 48);
        var view = new FrameView(untagged);
        if (view.IsIpv4)
            high |= IpChecked | (view.IsIpChecksumGood ? 0 : IpError);
        if (view.HasL4Checksum)
            high |= L4Checked | (view.IsUdp ? UdpChecked : 0) | (view.IsL4ChecksumGood ? 0 : L4Error);
        findings = new RxFindings(0, high);
        return (high & VlanPacket) != 0 ? untagged : frame;
    }
}
