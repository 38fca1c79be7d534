using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.DeviceModels.Tests;

/// <summary>Statistics registers over resets of the device.</summary>
public sealed class HardwareCountersTests
{
    [Fact]
    public void What_is_asked_for_while_the_device_is_reset_neither_counts_nor_touches_it()
    {
        var register = new uint[1];
        var counters = new HardwareCounters<Registers>(
            new Registers(register), [new HardwareCounter("packets", 0, CounterKind.Running)]);
        register[0] = 1000;
        counters.Reset();
        register[0] = 1010;
        counters.Suspend();
        register[0] = 0;
        counters.Collect();
        Assert.Equal(10UL, counters.Total(0));
        register[0] = 3;
        counters.Resume();
        register[0] = 5;
        counters.Collect();
        Assert.Equal(12UL, counters.Total(0));
    }

    private readonly struct Registers(uint[] values) : IRegisterSpace
    {
        public byte Read8(int offset) => throw new NotSupportedException();

        public ushort Read16(int offset) => throw new NotSupportedException();

        public uint Read32(int offset) => values[offset];

        public void Write8(int offset, byte value) => throw new NotSupportedException();

        public void Write16(int offset, ushort value) => throw new NotSupportedException();

        public void Write32(int offset, uint value) => throw new NotSupportedException();
    }
}
