using System.Collections.Concurrent;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Ixgbe;
using Microsoft.Extensions.Logging;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>A port of a model that a test can lay hands on.</summary>
internal sealed class ModelBed<TModel> : IDisposable
    where TModel : DeviceModel
{
    private readonly DeviceMemory _memory = new();
    private readonly INicDriver _driver;
    private readonly ModelFunction _function;

    public ModelBed(Func<DataplaneMemory, TModel> create, INicDriver driver, PciId id, int vectors)
    {
        _driver = driver;
        Pool = new Mempool(_memory.Memory, new MempoolOptions { Count = 4096, CacheSize = 32 }, lcoreCount: 1);
        Model = create(_memory.Memory);
        Model.Wire = Sent.Enqueue;
        _function = new ModelFunction(Model, id, vectors);
    }

    public TModel Model { get; }

    public Mempool Pool { get; }

    public ConcurrentQueue<byte[]> Sent { get; } = [];

    public Port Port { get; private set; } = null!;

    public RecordingLogger Log { get; } = new();

    /// <summary>Makes the port.</summary>
    public ModelBed<TModel> Open(string arguments = "")
    {
        var context = new PortContext
        {
            Id = 3,
            Name = _function.Name,
            DriverName = _driver.Name,
            Memory = _memory.Memory,
            Logger = Log,
            Ports = [],
        };
        Port = _driver.Create(context, _function, Devargs.Parse(_function.Name + arguments));
        return this;
    }

    /// <summary>Makes the port, if need be, and starts it.</summary>
    public ModelBed<TModel> Start(Func<PortConfiguration, PortConfiguration>? configure = null)
    {
        if (Port is null)
            Open();
        var configuration = new PortConfiguration(Pool) { RxDescriptors = 64, TxDescriptors = 64 };
        Port!.Configure(configure?.Invoke(configuration) ?? configuration);
        Port.Start();
        return this;
    }

    /// <summary>Takes and frees what has arrived.</summary>
    public int ReceiveAll(int queue = 0)
    {
        var burst = new Packet[32];
        int total = 0;
        int count;
        while ((count = Port.RxQueues[queue].Receive(burst)) != 0)
        {
            Packet.Free(burst.AsSpan(0, count));
            total += count;
        }

        return total;
    }

    /// <summary>Sends a frame and may ask for something to be done to it.</summary>
    public unsafe void Send(ReadOnlySpan<byte> frame, (MbufFlags Flags, ushort L2, ushort L3) wish = default)
    {
        Assert.True(Pool.TryAllocate(out Packet packet));
        Assert.True(packet.TryAppend(frame.Length, out Span<byte> room));
        frame.CopyTo(room);
        packet.Mbuf->Flags |= wish.Flags;
        packet.Mbuf->L2Length = wish.L2;
        packet.Mbuf->L3Length = wish.L3;
        Assert.Equal(1, Port.TxQueues[0].Send([packet]));
    }

    /// <summary>Closes the port; nothing was lost and nothing done wrong.</summary>
    public void AssertClean()
    {
        Port.Dispose();
        Assert.Equal(0, Pool.Statistics.InUse);
        Assert.False(Model.IsBusMaster, "the device is still bus master");
        Assert.Empty(Model.Complaints);
    }

    public void Dispose() => Disposal.All(new IDisposable?[] { Port, _function, Pool, _memory }.OfType<IDisposable>());
}

/// <summary>Keeps what was logged.</summary>
internal sealed class RecordingLogger : ILogger
{
    public ConcurrentQueue<string> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            Lines.Enqueue($"{logLevel}: {formatter(state, exception)}");
    }
}

/// <summary>Makes beds.</summary>
internal static class ModelBed
{
    public static readonly MacAddress Address = new([0x02, 0, 0, 0, 0, 0x59]);

    public static ModelBed<IxgbeModel> Physical(ushort device, int vectors = 64, MacAddress? address = null)
    {
        IReadOnlyList<IxgbeVariant> variants = Quick(IxgbeVariant.Physical);
        IxgbeVariant variant = variants.Single(candidate => candidate.Id.Device == device);
        return new(memory => new IxgbeModel(memory, variant, address ?? Address), new IxgbeDriver(variants), variant.Id, vectors);
    }

    public static ModelBed<IxgbeVfModel> Virtual(ushort device, int vectors = 3)
    {
        IReadOnlyList<IxgbeVariant> variants = Quick(IxgbeVariant.Virtual);
        IxgbeVariant variant = variants.Single(candidate => candidate.Id.Device == device);
        return new(memory => new IxgbeVfModel(memory, variant), new IxgbeVfDriver(variants), variant.Id, vectors);
    }

    private static IReadOnlyList<IxgbeVariant> Quick(IEnumerable<IxgbeVariant> variants) =>
        [.. variants.Select(variant => variant with { ResetTime = TimeSpan.Zero })];
}
