using Dataplane.DeviceModels.Tests.Qtest;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests.Harness;

/// <summary>The harness itself, by an e1000e whose registers are written by hand (82574L data sheet, chapter 10).</summary>
public sealed unsafe class E1000eTests : IDisposable
{
    private const int Control = 0x0000;
    private const uint SetLinkUp = 1 << 6;
    private const int Status = 0x0008;
    private const uint LinkUp = 1 << 1;
    private const int InterruptCauseSet = 0x00C8;
    private const int InterruptMaskSet = 0x00D0;
    private const int InterruptVectors = 0x00E4;
    private const int ReceiveControl = 0x0100;
    private const int TransmitControl = 0x0400;
    private const int ReceiveBase = 0x2800;
    private const int TransmitBase = 0x3800;
    private const int ReceiveAddress = 0x5400;

    private readonly DeviceMemory _memory = new();
    private readonly QtestMachine _machine;
    private readonly QtestRegisters _registers;

    public E1000eTests()
    {
        _machine = new QtestMachine(QemuRelease.System, "e1000e", "52:54:00:01:02:03", 0, _memory.Memory);
        _registers = _machine.Nic.OpenBar(0);
    }

    [Fact]
    public void A_function_says_what_it_is()
    {
        Assert.Equal("8086:10d3", _machine.Nic.Id.ToString());
        Assert.Equal(128 << 10, _machine.Nic.BarLength(0));
        Assert.Equal(5, _machine.Nic.InterruptVectors);
    }

    [Fact]
    public void Registers_are_those_of_the_device()
    {
        // 52:54:00:01:02:03, and the bit that says that the entry is valid.
        Assert.Equal(0x01005452u, _registers.Read32(ReceiveAddress));
        Assert.Equal(0x80000302u, _registers.Read32(ReceiveAddress + 4));
    }

    [Fact]
    public void A_cable_is_pulled_and_plugged()
    {
        _registers.Write32(Control, _registers.Read32(Control) | SetLinkUp);
        NicTestBed.WaitFor(() => (_registers.Read32(Status) & LinkUp) != 0, "no link");
        _machine.SetLink(up: false);
        Assert.Equal(0u, _registers.Read32(Status) & LinkUp);
        _machine.SetLink(up: true);
        NicTestBed.WaitFor(() => (_registers.Read32(Status) & LinkUp) != 0, "no link");
    }

    [Fact]
    public void A_frame_leaves_by_a_descriptor_in_dataplane_memory()
    {
        using MemoryZone zone = _memory.Memory.Allocate("ring", 8192);
        byte[] frame = TestFrame.Create(100);
        frame.CopyTo(zone.Span[4096..]);
        var ring = (ulong*)zone.Address;
        ring[0] = (ulong)zone.Address + 4096;
        // Legacy descriptor: length, command EOP | IFCS | RS.
        ring[1] = (ulong)frame.Length | (0b1011UL << 24);
        _machine.Nic.SetBusMaster(true);
        WriteRing(TransmitBase, ring);
        _registers.Write32(TransmitControl, (1 << 1) | (1 << 3));
        _registers.Write32(TransmitBase + 0x18, 1);
        Assert.Equal(frame, _machine.Wire.Receive());
        NicTestBed.WaitFor(() => (Volatile.Read(ref ring[1]) >> 32 & 1) != 0, "the descriptor was not done");
    }

    [Fact]
    public void Frames_arrive_in_order_and_none_is_lost_while_there_is_no_buffer()
    {
        const int Count = 2000, Slots = 256;
        using MemoryZone zone = _memory.Memory.Allocate("ring", (Slots * 16) + (Slots * 2048));
        byte* buffers = zone.Address + (Slots * 16);
        var ring = (ulong*)zone.Address;
        for (int i = 0; i < Slots; i++)
            ring[i * 2] = (ulong)(buffers + (i * 2048));
        _machine.Nic.SetBusMaster(true);
        WriteRing(ReceiveBase, ring);
        _registers.Write32(ReceiveBase + 0x18, Slots - 1);
        // Enable, broadcast accepted, FCS stripped.
        _registers.Write32(ReceiveControl, (1 << 1) | (1 << 15) | (1 << 26));
        for (int i = 0; i < Count; i++)
            _machine.Wire.Send(TestFrame.Create(100, i));
        for (int i = 0; i < Count; i++)
        {
            int slot = i % Slots;
            NicTestBed.WaitFor(() => (Volatile.Read(ref ring[(slot * 2) + 1]) >> 32 & 1) != 0, $"frame {i} did not come");
            Assert.Equal(TestFrame.Create(100, i), new Span<byte>(buffers + (slot * 2048), (ushort)ring[(slot * 2) + 1]));
            ring[(slot * 2) + 1] = 0;
            _registers.Write32(ReceiveBase + 0x18, (uint)slot);
        }
    }

    [Fact]
    public void Messages_become_events()
    {
        int events = 0;
        using var rx = new EventFd();
        _machine.Nic.SetBusMaster(true);
        _machine.Nic.EnableInterrupts(() => Interlocked.Increment(ref events), [rx]);
        // Cause "other" to vector 0, rx queue 0 to vector 1 (10.2.4.9), both allowed and raised.
        _registers.Write32(InterruptVectors, (0b1000u << 16) | 0b1001);
        const uint Causes = (1 << 24) | (1 << 20) | (1 << 2);
        _registers.Write32(InterruptMaskSet, Causes);
        _registers.Write32(InterruptCauseSet, 1 << 2);
        NicTestBed.WaitFor(() => Volatile.Read(ref events) > 0, "vector 0 was not signalled");
        Assert.False(rx.TryDrain());
        _registers.Write32(InterruptCauseSet, 1 << 20);
        NicTestBed.WaitFor(rx.TryDrain, "vector 1 was not signalled");
        _machine.Nic.DisableInterrupts();
    }

    [Fact]
    public void Stray_writes_of_a_device_are_found()
    {
        _machine.AssertNoStrayDma();
        using MemoryZone zone = _memory.Memory.Allocate("ring", 4096);
        _machine.Nic.SetBusMaster(true);
        var ring = (ulong*)zone.Address;
        // Where no dataplane memory is.
        ring[0] = 0x10000;
        WriteRing(ReceiveBase, ring);
        _registers.Write32(ReceiveBase + 0x18, 1);
        _registers.Write32(ReceiveControl, (1 << 1) | (1 << 15));
        _machine.Wire.Send(TestFrame.Create(100));
        NicTestBed.WaitFor(() => (Volatile.Read(ref ring[1]) >> 32 & 1) != 0, "the frame did not come");
        Assert.Throws<Xunit.Sdk.FailException>(_machine.AssertNoStrayDma);
    }

    [Fact]
    public void A_device_that_is_pulled_out_reads_as_ones()
    {
        _machine.PullOut();
        Assert.Equal(uint.MaxValue, _registers.Read32(Status));
        Assert.Equal(uint.MaxValue, _machine.Nic.Configuration.Read32(0));
        Assert.Equal("", _machine.Complaints);
    }

    public void Dispose()
    {
        _machine.Dispose();
        _memory.Dispose();
    }

    /// <summary>Base address, length in bytes, head and tail of a ring of 256 descriptors.</summary>
    private void WriteRing(int registers, ulong* ring)
    {
        _registers.Write32(registers, (uint)(ulong)ring);
        _registers.Write32(registers + 4, (uint)((ulong)ring >> 32));
        _registers.Write32(registers + 8, 256 * 16);
    }
}
