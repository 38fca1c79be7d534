using Dataplane.Memory;
using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>The hot-plug slot of a QEMU and the NIC in it, after what a firmware does: windows are open, BARs have addresses.</summary>
internal sealed class QtestSlot : IDisposable
{
    private const ulong BarStart = 0xE000_0000;
    private const ulong BarEnd = 0xF000_0000;
    private const int NicBus = 1;

    private readonly QtestClient _client;
    private readonly DataplaneMemory _memory;
    private readonly PciPresence _presence = new();
    private readonly List<QtestFunction> _functions = [];
    private readonly RootPort _port;

    /// <param name="client">The CPU.</param>
    /// <param name="memory">Where interrupt messages go.</param>
    /// <param name="virtualFunctions">How many VFs the NIC gets.</param>
    public QtestSlot(QtestClient client, DataplaneMemory memory, int virtualFunctions = 0)
    {
        _client = client;
        _memory = memory;
        OpenWindow();
        _port = new RootPort(new QtestConfiguration(_client, bus: 0, function: 1 << 3), NicBus, BarStart, BarEnd);
        AddFunctions(virtualFunctions);
    }

    /// <summary>The NIC, then its VFs.</summary>
    public IReadOnlyList<QtestFunction> Functions => _functions;

    /// <summary>Pulls the NIC out; from now on its registers read all ones.</summary>
    public void PullOut()
    {
        _presence.IsGone = true;
        _port.PowerOff();
    }

    /// <inheritdoc/>
    public void Dispose() => Disposal.All(_functions);

    /// <summary>
    /// Lets configuration space be where we look for it (Intel 3 Series Express Chipset data sheet, 5.1.15 "PCIEXBAR").
    /// </summary>
    private void OpenWindow()
    {
        const ushort AddressPort = 0xCF8;
        const ushort DataPort = 0xCFC;
        const uint HostBridge = 0x8000_0000;
        const uint PciexBar = 0x60;
        const uint Enable = 1;
        _client.WritePort(AddressPort, HostBridge | (PciexBar + 4));
        _client.WritePort(DataPort, 0);
        _client.WritePort(AddressPort, HostBridge | PciexBar);
        _client.WritePort(DataPort, (uint)QtestConfiguration.Window | Enable);
    }

    private void AddFunctions(int virtualFunctions)
    {
        var configuration = new QtestConfiguration(_client, NicBus, function: 0);
        ulong cursor = BarStart;
        (ulong Address, long Length)?[] bars = PciBars.Assign(configuration, PciBars.Header, copies: 1, ref cursor);
        var id = new PciId(configuration.Read16(0), configuration.Read16(2));
        _functions.Add(new QtestFunction(_client, _memory, "0000:01:00.0", id, configuration, bars, _presence));
        if (virtualFunctions == 0)
            return;
        var sriov = new SriovCapability(configuration);
        (ulong Address, long Length)?[] all = sriov.Enable(virtualFunctions, ref cursor);
        for (int i = 0; i < virtualFunctions; i++)
        {
            int number = sriov.FunctionOf(i);
            (ulong Address, long Length)?[] own =
                [.. all.Select(bar => bar is { } b ? (b.Address + (ulong)(b.Length * i), b.Length) : ((ulong, long)?)null)];
            _functions.Add(new QtestFunction(
                _client,
                _memory,
                $"0000:01:{number >> 3:x2}.{number & 7}",
                new PciId(id.Vendor, sriov.VirtualFunctionDevice),
                new QtestConfiguration(_client, NicBus, number),
                own,
                _presence));
        }
    }
}
