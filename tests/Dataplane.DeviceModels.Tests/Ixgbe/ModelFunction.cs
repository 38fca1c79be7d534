using System.Collections.Concurrent;
using Dataplane.Linux;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>A function whose BAR 0 is a model in this process; a thread of its own calls for interrupts of vector 0.</summary>
internal sealed class ModelFunction : IPciFunction<ModelRegisters>, INicFunction, IDisposable
{
    private readonly DeviceModel _model;
    private BlockingCollection<bool>? _events;
    private Thread? _thread;

    public ModelFunction(DeviceModel model, PciId id, int vectors)
    {
        _model = model;
        Id = id;
        InterruptVectors = vectors;
    }

    public string Name => "0000:03:00.0";

    public PciId Id { get; }

    public IPciConfiguration Configuration { get; } = new EmptyConfiguration();

    public int InterruptVectors { get; }

    public bool IsBusMaster => _model.IsBusMaster;

    public ModelRegisters OpenBar(int bar) => new(_model);

    public long BarLength(int bar) => bar == 0 ? 512 << 10 : 0;

    public void SetBusMaster(bool enabled) => _model.IsBusMaster = enabled && !_model.IsGone;

    public bool TryReset() => false;

    public void EnableInterrupts(Action onEvent, IReadOnlyList<EventFd> rxQueues)
    {
        Assert.Null(_events);
        Assert.InRange(rxQueues.Count, 0, InterruptVectors - 1);
        var events = new BlockingCollection<bool>();
        _thread = new Thread(() =>
        {
            foreach (bool _ in events.GetConsumingEnumerable())
                onEvent();
        })
        { IsBackground = true, Name = "model interrupts" };
        _events = events;
        _model.Interrupt = vector =>
        {
            if (vector != 0)
                rxQueues[vector - 1].Signal();
            else
                events.Add(true);
        };
        _thread.Start();
    }

    public void DisableInterrupts()
    {
        if (_events is not { } events)
            return;
        _model.Peek(_ => _model.Interrupt = _ => { });
        _events = null;
        events.CompleteAdding();
        if (_thread != Thread.CurrentThread)
            _thread!.Join();
        _thread = null;
    }

    public Port CreatePort(INicDriver driver, PortContext context, Devargs arguments) => driver.Create(context, this, arguments);

    public void Abandon()
    {
        DisableInterrupts();
        SetBusMaster(false);
    }

    public void Dispose() => DisableInterrupts();

    /// <summary>No driver of ours looks into it but for what is pending, which is nothing.</summary>
    private sealed class EmptyConfiguration : IPciConfiguration
    {
        public byte Read8(int offset) => 0;

        public ushort Read16(int offset) => 0;

        public uint Read32(int offset) => 0;

        public void Write16(int offset, ushort value)
        {
        }

        public void Write32(int offset, uint value)
        {
        }
    }
}
