using Dataplane.Packets;
using Microsoft.Extensions.Logging;

namespace Dataplane.Ports;

/// <summary>
/// A network port: a NIC or a software port, as its driver made it. Configure it, start it, poll its queues, stop it,
/// dispose it. Everything here belongs to the control plane: call it from one thread at a time; statistics and link may
/// be read from any thread. Only the queues belong to lcores.
/// </summary>
public abstract partial class Port : IDisposable
{
    // Held while readers of statistics and link ask the driver, so that nothing is given back under them. Never held
    // while the driver gives it back: it may wait for a thread of its own that wants to read.
    private readonly Lock _gate = new();

    private RxQueue[] _rxQueues = [];
    private TxQueue[] _txQueues = [];
    private bool _promiscuous;
    private bool _allMulticast;

    /// <summary>Made by a driver.</summary>
    /// <param name="context">What the runtime gives the driver.</param>
    /// <param name="capabilities">What the port can do.</param>
    /// <param name="macAddress">The address of the device, or one chosen for it.</param>
    /// <param name="mtu">The MTU that the device has, in bytes.</param>
    protected Port(PortContext context, PortCapabilities capabilities, MacAddress macAddress, int mtu = 1500)
    {
        Id = context.Id;
        Name = context.Name;
        DriverName = context.DriverName;
        NumaNode = context.NumaNode;
        Logger = context.Logger;
        Capabilities = capabilities;
        MacAddress = macAddress;
        Mtu = Math.Min(mtu, capabilities.MaxMtu);
        _counters = new QueueCounterTable(capabilities.MaxRxQueues, capabilities.MaxTxQueues);
    }

    /// <summary>Number of the port within its runtime; what a portmask and <see cref="Packet.Port"/> count.</summary>
    public int Id { get; }

    /// <summary>The device's name: <c>net_null0</c>, <c>0000:01:00.0</c>.</summary>
    public string Name { get; }

    /// <summary>The driver's name: <c>net_null</c>.</summary>
    public string DriverName { get; }

    /// <summary>NUMA node that the device is attached to; -1 for none.</summary>
    public int NumaNode { get; }

    /// <summary>What the port can do.</summary>
    public PortCapabilities Capabilities { get; }

    /// <summary>Where the port is in its life.</summary>
    public PortState State { get; private set; } = PortState.Created;

    /// <summary>The address that the port sends from.</summary>
    public MacAddress MacAddress { get; private set; }

    /// <summary>Largest payload of a frame in bytes, without Ethernet header and FCS.</summary>
    public int Mtu { get; private set; }

    /// <summary>The receive queues of the current configuration.</summary>
    public IReadOnlyList<RxQueue> RxQueues => _rxQueues;

    /// <summary>The transmit queues of the current configuration.</summary>
    public IReadOnlyList<TxQueue> TxQueues => _txQueues;

    /// <summary>Whether the port receives frames for any station.</summary>
    /// <exception cref="DataplaneException">The device refused.</exception>
    public bool Promiscuous
    {
        get => _promiscuous;
        set
        {
            RequireOpen();
            OnSetPromiscuous(value);
            _promiscuous = value;
        }
    }

    /// <summary>Whether the port receives all multicast frames.</summary>
    /// <exception cref="DataplaneException">The device refused.</exception>
    public bool AllMulticast
    {
        get => _allMulticast;
        set
        {
            RequireOpen();
            OnSetAllMulticast(value);
            _allMulticast = value;
        }
    }

    /// <summary>What a bus has opened for the port: disposed when the port is closed, behind everything of the driver's.</summary>
    internal IDisposable? Device { get; set; }

    /// <summary>For the driver's notices.</summary>
    protected ILogger Logger { get; }

    /// <summary>Gives the port its queues. Not while it is started; what was configured before is gone, even if this fails.</summary>
    /// <exception cref="DataplaneException">The device has fewer queues, or there is no memory for them.</exception>
    public void Configure(PortConfiguration configuration)
    {
        Require(PortState.Created, PortState.Stopped);
        CheckQueueCount("rx", configuration.RxQueues, Capabilities.MaxRxQueues);
        CheckQueueCount("tx", configuration.TxQueues, Capabilities.MaxTxQueues);
        CheckFeatures(configuration);
        ReleaseQueues();
        State = PortState.Created;
        try
        {
            OnConfigure(configuration);
            RxQueue[] rxQueues = MakeQueues(configuration.RxQueues, i => CreateRxQueue(_counters.ForRx(i, configuration)));
            lock (_gate)
                _rxQueues = rxQueues;
            TxQueue[] txQueues = MakeQueues(configuration.TxQueues, i => CreateTxQueue(_counters.ForTx(i, configuration)));
            lock (_gate)
                _txQueues = txQueues;
        }
        catch
        {
            ReleaseQueues();
            throw;
        }

        State = PortState.Stopped;
    }

    /// <summary>Lets packets flow. The lcores may poll the queues from now on.</summary>
    /// <exception cref="DataplaneException">The device refused.</exception>
    public void Start()
    {
        Require(PortState.Stopped);
        OnStart();
        State = PortState.Started;
    }

    /// <summary>Ends the flow; what is on its way to the device is sent within a bound. No lcore may poll the queues any more.</summary>
    public void Stop()
    {
        if (State != PortState.Started)
            return;
        State = PortState.Stopped;
        OnStop();
    }

    /// <summary>Changes the address that the port sends from.</summary>
    /// <exception cref="DataplaneException">It is a group address or zero, or the device refused.</exception>
    public void SetMacAddress(MacAddress address)
    {
        RequireOpen();
        if (!address.IsUnicast)
            throw new DataplaneException($"Port {Id} ({Name}) cannot have the MAC address {address}: it is {(address.IsZero ? "zero" : "a group address")}");
        OnSetMacAddress(address);
        MacAddress = address;
    }

    /// <summary>Changes the largest payload of a frame.</summary>
    /// <param name="mtu">Bytes, without Ethernet header and FCS.</param>
    /// <exception cref="DataplaneException">It is outside of what the device can, or the device refused.</exception>
    public void SetMtu(int mtu)
    {
        RequireOpen();
        if (mtu < Capabilities.MinMtu || mtu > Capabilities.MaxMtu)
            throw new DataplaneException($"Port {Id} ({Name}) cannot have an MTU of {mtu} bytes: its range is {Capabilities.MinMtu} to {Capabilities.MaxMtu}");
        OnSetMtu(mtu);
        Mtu = mtu;
    }

    /// <summary>Stops the port, if need be, and gives back everything that it holds.</summary>
    public void Dispose()
    {
        if (State == PortState.Closed)
            return;
        try
        {
            Stop();
        }
        finally
        {
            lock (_gate)
                State = PortState.Closed;
            Close();
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>
    /// Prepares the device for new queues; called before they are made. What it takes is given back by the next one or by
    /// <see cref="OnClose"/>.
    /// </summary>
    protected virtual void OnConfigure(PortConfiguration configuration)
    {
    }

    /// <summary>Makes a receive queue; disposed with the configuration if it is <see cref="IDisposable"/>.</summary>
    protected abstract RxQueue CreateRxQueue(RxQueueContext context);

    /// <summary>Makes a transmit queue; disposed with the configuration if it is <see cref="IDisposable"/>.</summary>
    protected abstract TxQueue CreateTxQueue(TxQueueContext context);

    /// <summary>Starts the device. Before it throws, it undoes what it did: the port is still stopped then.</summary>
    protected virtual void OnStart()
    {
    }

    /// <summary>Stops the device; packets that it holds are sent within a bound or freed.</summary>
    protected virtual void OnStop()
    {
    }

    /// <summary>Gives the device back; queues are gone already. Called once, whatever failed before.</summary>
    protected virtual void OnClose()
    {
    }

    /// <summary>Tells the device its address; ports without a device have nothing to do.</summary>
    protected virtual void OnSetMacAddress(MacAddress address)
    {
    }

    /// <summary>Tells the device its MTU; ports without a device have nothing to do.</summary>
    protected virtual void OnSetMtu(int mtu)
    {
    }

    /// <summary>Tells the device; ports that receive everything have nothing to do.</summary>
    protected virtual void OnSetPromiscuous(bool enabled)
    {
    }

    /// <summary>Tells the device; ports that receive everything have nothing to do.</summary>
    protected virtual void OnSetAllMulticast(bool enabled)
    {
    }

    private void Close()
    {
        try
        {
            ReleaseQueues();
        }
        finally
        {
            try
            {
                OnClose();
            }
            finally
            {
                _counters.Dispose();
                Device?.Dispose();
            }
        }
    }

    private void ReleaseQueues()
    {
        object[] queues;
        lock (_gate)
        {
            queues = [.. _rxQueues, .. _txQueues];
            _rxQueues = [];
            _txQueues = [];
        }

        Disposal.All(queues.OfType<IDisposable>());
    }

    private static TQueue[] MakeQueues<TQueue>(int count, Func<int, TQueue> make)
        where TQueue : class
    {
        var queues = new List<TQueue>(count);
        try
        {
            for (int i = 0; i < count; i++)
                queues.Add(make(i));
            return [.. queues];
        }
        catch
        {
            Disposal.All(queues.OfType<IDisposable>());
            throw;
        }
    }

    private void CheckQueueCount(string direction, int asked, int most)
    {
        if (asked < 0 || asked > most)
            throw new DataplaneException($"Port {Id} ({Name}) cannot have {asked} {direction} queues: the device has {most}");
    }

    private void CheckFeatures(PortConfiguration configuration)
    {
        PortOffloads missing = configuration.Offloads & ~Capabilities.Offloads;
        if (missing != 0)
            throw new DataplaneException($"Port {Id} ({Name}) cannot do {missing}: {DriverName} offers {Capabilities.Offloads}");
        if (configuration.RxInterrupts && !Capabilities.HasRxInterrupts)
            throw new DataplaneException($"Port {Id} ({Name}) has no rx interrupts", "poll it");
    }

    private void RequireOpen() => Require(PortState.Created, PortState.Stopped, PortState.Started);

    private void Require(params ReadOnlySpan<PortState> states)
    {
        if (!states.Contains(State))
            throw new InvalidOperationException($"Port {Id} ({Name}) is {State}; this needs it {string.Join(" or ", states.ToArray())}");
    }
}
