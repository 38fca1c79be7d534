using System.Buffers.Binary;
using Dataplane.Memory;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>
/// What models of physical and virtual functions have alike: registers under a lock, rings in dataplane memory, frames that
/// move. A peer in this process: the addresses that it is given are virtual ones. It believes nothing: what the data sheet
/// forbids is an exception for whoever does it and a line in <see cref="Complaints"/>.
/// </summary>
internal abstract unsafe partial class DeviceModel
{
    private readonly DataplaneMemory _memory;
    private readonly List<string> _complaints = [];
    private readonly Queue<(int Queue, byte[] Frame, RxFindings Findings)> _packetBuffer = [];
    private readonly Queue<byte[]> _onWire = [];

    protected DeviceModel(DataplaneMemory memory)
    {
        _memory = memory;
        File = new RegisterFile(Complain);
    }

    /// <summary>Takes the frames that the device sends. Called under the model's lock.</summary>
    public Action<byte[]> Wire { get; set; } = _ => { };

    /// <summary>Whether the device may reach memory.</summary>
    public bool IsBusMaster { get; set; }

    /// <summary>Whether the device was pulled out.</summary>
    public bool IsGone { get; set; }

    /// <summary>How often software has read or written a register.</summary>
    public int Accesses { get; private set; }

    /// <summary>Told of a message signalled interrupt, by its vector. Called under the model's lock.</summary>
    public Action<int> Interrupt { get; set; } = _ => { };

    /// <summary>Called before a register is read, with its offset; by whoever reads, without the model's lock.</summary>
    public Action<int> BeforeRead { get; set; } = _ => { };

    /// <summary>What the driver did wrong.</summary>
    public IReadOnlyList<string> Complaints
    {
        get
        {
            lock (Gate)
                return [.. _complaints];
        }
    }

    /// <summary>Whether frames pass.</summary>
    public abstract bool IsLinkUp { get; }

    /// <summary>Changes what the device or a test does with it, by the one lock.</summary>
    protected Lock Gate { get; } = new();

    protected RegisterFile File { get; }

    /// <summary>Software reads a register.</summary>
    public uint Read(int offset)
    {
        BeforeRead(offset);
        lock (Gate)
        {
            Accesses++;
            return IsGone ? uint.MaxValue : File.Read(offset);
        }
    }

    /// <summary>Software writes a register.</summary>
    public void Write(int offset, uint value)
    {
        lock (Gate)
        {
            Accesses++;
            if (!IsGone)
                File.Write(offset, value);
        }
    }

    /// <summary>A frame without FCS arrives at the far end of the cable.</summary>
    public void Deliver(ReadOnlySpan<byte> frame)
    {
        lock (Gate)
        {
            if (!IsGone && IsLinkUp)
                OnFrame(frame.ToArray());
        }
    }

    /// <summary>As <see cref="Deliver"/>, from a sender that waits while the packet buffer is full.</summary>
    public void DeliverOrWait(ReadOnlySpan<byte> frame)
    {
        lock (Gate)
        {
            _onWire.Enqueue(frame.ToArray());
            TakeFromWire();
        }
    }

    /// <summary>Lets a test look at a register, or change it as the device would.</summary>
    public T Peek<T>(Func<RegisterFile, T> look)
    {
        lock (Gate)
            return look(File);
    }

    /// <summary>The link takes a frame: which queue gets it, if any.</summary>
    protected abstract void OnFrame(byte[] frame);

    /// <summary>Where the registers of a receive queue start.</summary>
    protected abstract int RxBlock(int queue);

    /// <summary>Where the registers of a transmit queue start.</summary>
    protected abstract int TxBlock(int queue);

    /// <summary>Whether the receive unit writes into rings.</summary>
    protected abstract bool IsReceiving { get; }

    /// <summary>Whether the transmit unit takes from rings.</summary>
    protected abstract bool IsTransmitting { get; }

    /// <summary>A queue got a frame: its cause interrupts, if it may.</summary>
    protected abstract void OnReceived(int queue, byte[] frame);

    /// <summary>A queue had no buffers and drops what finds none.</summary>
    protected abstract void OnDropped(int queue);

    /// <summary>A frame was sent.</summary>
    protected abstract void OnSent(int queue, byte[] frame);

    /// <summary>Bytes that wait for buffers at most.</summary>
    protected abstract int PacketBufferSize { get; }

    /// <summary>The packet buffer is full.</summary>
    protected abstract void OnMissed();

    protected void Complain(string what)
    {
        _complaints.Add(what);
        throw new DataSheetException(what);
    }

    protected void Require(bool condition, string otherwise)
    {
        if (!condition)
            Complain(otherwise);
    }

    /// <summary>Memory that the device reaches; anything else is a wrong address.</summary>
    protected byte* Dma(ulong address, int length, string what)
    {
        byte* start = (byte*)address;
        Require(IsBusMaster, $"9.3.3.3: {what} while the device is not bus master");
        Require(
            _memory.Segments.Any(segment => start >= segment.Address && start + length <= segment.Address + segment.Length),
            $"{what} at 0x{address:x}, which is not memory of the dataplane");
        return start;
    }

    private void TakeFromWire()
    {
        while (_onWire.Count != 0 && BytesWaiting + _onWire.Peek().Length <= PacketBufferSize)
        {
            byte[] frame = _onWire.Dequeue();
            if (!IsGone && IsLinkUp)
                OnFrame(frame);
        }
    }

    private static ulong Join(uint low, uint high) => low | ((ulong)high << 32);

    /// <summary>What the device writes about a frame besides its length.</summary>
    /// <param name="Low">RSS type and hash.</param>
    /// <param name="High">Status, errors and VLAN tag; for the last descriptor.</param>
    internal readonly record struct RxFindings(ulong Low, ulong High);

    /// <summary>Offsets within the block of a queue (8.2.3.8, 8.2.3.9).</summary>
    protected static class Offset
    {
        public const int BaseLow = 0x00;
        public const int BaseHigh = 0x04;
        public const int Length = 0x08;
        public const int Dca = 0x0C;
        public const int Head = 0x10;
        public const int SplitControl = 0x14;
        public const int Tail = 0x18;
        public const int Control = 0x28;
        public const int Coalescing = 0x2C;
        public const int HeadWriteBackLow = 0x38;
        public const int HeadWriteBackHigh = 0x3C;
    }

    /// <summary>Bits of RXDCTL and TXDCTL.</summary>
    protected const uint QueueEnable = 1u << 25;
    protected const uint StripVlan = 1u << 30;

    private static ushort TypeOf(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
}
