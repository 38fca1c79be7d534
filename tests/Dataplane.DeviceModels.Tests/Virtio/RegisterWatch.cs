using Dataplane.Linux;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Virtio;

/// <summary>Stands between a driver and a device: sees what is written, and may change what is read.</summary>
internal sealed class RegisterWatch
{
    /// <summary>Called behind each read with BAR, offset and value; what it returns is what the driver reads.</summary>
    public Func<int, int, uint, uint> Read { get; set; } = (_, _, value) => value;

    /// <summary>Called before each write, with BAR, offset and value.</summary>
    public Action<int, int, uint> Write { get; set; } = (_, _, _) => { };

    /// <summary>What the driver wants to be called when the device interrupts; null while interrupts are off.</summary>
    public Action? OnEvent { get; set; }
}

/// <summary>A driver under watch.</summary>
internal sealed class WatchedDriver(INicDriver driver, RegisterWatch watch) : INicDriver
{
    public string Name => driver.Name;

    public IReadOnlyList<SupportedDevice> Devices => driver.Devices;

    public IReadOnlyList<DevargKey> Keys => driver.Keys;

    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace =>
        driver.Create(context, new WatchedFunction<TRegisters>(function, watch), arguments);
}

/// <summary>What a driver under watch drives.</summary>
internal sealed class WatchedFunction<TRegisters>(IPciFunction<TRegisters> function, RegisterWatch watch)
    : IPciFunction<WatchedRegisters<TRegisters>>
    where TRegisters : struct, IRegisterSpace
{
    public string Name => function.Name;

    public PciId Id => function.Id;

    public IPciConfiguration Configuration => function.Configuration;

    public int InterruptVectors => function.InterruptVectors;

    public WatchedRegisters<TRegisters> OpenBar(int bar) => new(function.OpenBar(bar), bar, watch);

    public long BarLength(int bar) => function.BarLength(bar);

    public void SetBusMaster(bool enabled) => function.SetBusMaster(enabled);

    public bool TryReset() => function.TryReset();

    public void EnableInterrupts(Action onEvent, IReadOnlyList<EventFd> rxQueues)
    {
        function.EnableInterrupts(onEvent, rxQueues);
        watch.OnEvent = onEvent;
    }

    public void DisableInterrupts()
    {
        watch.OnEvent = null;
        function.DisableInterrupts();
    }
}

/// <summary>Registers under watch.</summary>
internal readonly struct WatchedRegisters<TRegisters>(TRegisters registers, int bar, RegisterWatch watch) : IRegisterSpace
    where TRegisters : struct, IRegisterSpace
{
    public byte Read8(int offset) => (byte)watch.Read(bar, offset, registers.Read8(offset));

    public ushort Read16(int offset) => (ushort)watch.Read(bar, offset, registers.Read16(offset));

    public uint Read32(int offset) => watch.Read(bar, offset, registers.Read32(offset));

    public void Write8(int offset, byte value)
    {
        watch.Write(bar, offset, value);
        registers.Write8(offset, value);
    }

    public void Write16(int offset, ushort value)
    {
        watch.Write(bar, offset, value);
        registers.Write16(offset, value);
    }

    public void Write32(int offset, uint value)
    {
        watch.Write(bar, offset, value);
        registers.Write32(offset, value);
    }
}
