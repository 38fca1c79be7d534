using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Core.Tests.Ports;

/// <summary>A driver whose ports write down what they are told, and fail where a test wants them to.</summary>
internal sealed class TestDriver(string name = "net_test") : IVdevDriver
{
    public string Name => name;

    public IReadOnlyList<DevargKey> Keys { get; init; } = [new("key", "any text"), new("many", "any text", Repeatable: true)];

    /// <summary>What throws: a method of the port, or <c>Create:NAME</c> for the device of that name.</summary>
    public HashSet<string> Failing { get; } = [];

    /// <summary>Everything that ports and queues were told, in order.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>The memory of the runtime that last made a port.</summary>
    public DataplaneMemory? Memory { get; private set; }

    public Port Create(PortContext context, Devargs arguments)
    {
        Memory = context.Memory;
        Call("Create:" + context.Name);
        return new TestPort(this, context);
    }

    public void Call(string call)
    {
        Calls.Add(call);
        if (Failing.Contains(call))
            throw new DataplaneException(call + " failed");
    }
}

internal sealed class TestPort(TestDriver driver, PortContext context)
    : Port(context, new PortCapabilities { MaxRxQueues = 3, MaxTxQueues = 2, MinMtu = 68, MaxMtu = 9000 }, new MacAddress([2, 0, 0, 0, 0, 9]))
{
    public ulong DeviceMissed { get; set; }

    public LinkStatus? DeviceLink { get; set; }

    /// <summary>What happens between the reading of the link and its report.</summary>
    public Action? AfterLinkIsRead { get; set; }

    public void RaiseLink(LinkStatus link) => ReportLink(link);

    protected override void OnConfigure(PortConfiguration configuration) => driver.Call("OnConfigure");

    protected override RxQueue CreateRxQueue(RxQueueContext context) => new TestRxQueue(driver, context);

    protected override TxQueue CreateTxQueue(TxQueueContext context) => new TestTxQueue(driver, context);

    protected override void OnStart() => driver.Call("OnStart");

    protected override void OnStop() => driver.Call("OnStop");

    protected override void OnClose() => driver.Call("OnClose");

    protected override void OnSetMacAddress(MacAddress address) => driver.Call("OnSetMacAddress");

    protected override void OnSetMtu(int mtu) => driver.Call("OnSetMtu");

    protected override void OnSetPromiscuous(bool enabled) => driver.Call("OnSetPromiscuous");

    protected override void OnSetAllMulticast(bool enabled) => driver.Call("OnSetAllMulticast");

    protected override LinkStatus ReadLink()
    {
        LinkStatus link = DeviceLink ?? base.ReadLink();
        AfterLinkIsRead?.Invoke();
        return link;
    }

    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        driver.Call("AddDeviceStatistics");
        statistics.InputMissed += DeviceMissed;
    }

    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics) =>
        statistics.Add(new ExtendedStatistic("rx_test_missed", DeviceMissed));

    protected override void OnResetStatistics() => DeviceMissed = 0;
}

internal sealed class TestRxQueue : RxQueue, IDisposable
{
    private readonly TestDriver _driver;

    public TestRxQueue(TestDriver driver, RxQueueContext context)
        : base(context)
    {
        _driver = driver;
        driver.Call($"rx{Index} made");
    }

    public override int Receive(Span<Packet> burst) => 0;

    public void Dispose() => _driver.Call($"rx{Index} disposed");
}

internal sealed class TestTxQueue : TxQueue, IDisposable
{
    private readonly TestDriver _driver;

    public TestTxQueue(TestDriver driver, TxQueueContext context)
        : base(context)
    {
        _driver = driver;
        driver.Call($"tx{Index} made");
    }

    public override int Send(ReadOnlySpan<Packet> burst) => 0;

    public void Dispose() => _driver.Call($"tx{Index} disposed");
}
