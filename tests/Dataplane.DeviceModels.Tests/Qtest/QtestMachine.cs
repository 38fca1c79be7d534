using Dataplane.Memory;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>
/// A QEMU with one NIC in a hot-plug slot, whose CPU we are. It starts in some 50 ms, so a test has one of its own.
/// The device sees our dataplane memory at the addresses at which we see it.
/// </summary>
internal sealed class QtestMachine : INicMachine
{
    private readonly QtestProcess _process;
    private readonly QtestClient _client;
    private readonly QtestSlot _slot;

    /// <param name="release">Which QEMU.</param>
    /// <param name="device">Its <c>-device</c> and properties, as in <c>virtio-net-pci,packed=on</c>.</param>
    /// <param name="macAddress">Of the NIC, in the usual notation.</param>
    /// <param name="virtualFunctions">How many VFs it gets.</param>
    /// <param name="memory">What the device may reach; outlives the machine. All of it must be there already.</param>
    /// <param name="backend">Arguments for a netdev of the id <c>wire</c>; null for <see cref="Wire"/>.</param>
    public QtestMachine(
        QemuRelease release,
        string device,
        string macAddress,
        int virtualFunctions,
        DataplaneMemory memory,
        IReadOnlyList<string>? backend = null)
    {
        _process = new QtestProcess(release, device, macAddress, Assert.Single(memory.Segments), backend);
        try
        {
            _client = _process.Connect();
            _slot = new QtestSlot(_client, memory, virtualFunctions);
        }
        catch (Exception e)
        {
            _client?.Dispose();
            _process.Dispose();
            throw new InvalidOperationException($"The {device} does not answer: {e.Message}", e);
        }
    }

    /// <inheritdoc cref="INicMachine.Nic"/>
    public QtestFunction Nic => _slot.Functions[0];

    /// <inheritdoc cref="INicMachine.VirtualFunctions"/>
    public IReadOnlyList<QtestFunction> VirtualFunctions => [.. _slot.Functions.Skip(1)];

    /// <inheritdoc cref="INicMachine.Wire"/>
    public Wire Wire => _process.Wire;

    INicFunction INicMachine.Nic => Nic;

    IReadOnlyList<INicFunction> INicMachine.VirtualFunctions => VirtualFunctions;

    IWire INicMachine.Wire => Wire;

    /// <summary>For commands to QEMU.</summary>
    public QmpClient Qmp => _process.Qmp;

    /// <inheritdoc/>
    public string Complaints => _process.Complaints;

    /// <inheritdoc/>
    public void SetLink(bool up) => Qmp.SetLink(QtestProcess.NicId, up);

    /// <inheritdoc/>
    public void PullOut() => _slot.PullOut();

    /// <inheritdoc/>
    public void AssertNoStrayDma()
    {
        if (_process.StrayWrite is { } offset)
            Assert.Fail($"The device wrote to address 0x{offset:x}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            // Not after QEMU: interrupts are disabled at the device.
            _slot.Dispose();
        }
        finally
        {
            _process.Dispose();
            _client.Dispose();
        }
    }
}
