using System.Net.Sockets;
using Dataplane.DeviceModels.Tests.Qtest;
using Dataplane.Eal;
using Dataplane.Memory;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Microsoft.Extensions.Logging;

namespace Dataplane.DeviceModels.Tests.Startup;

/// <summary>The NIC of a <see cref="QtestProcess"/> of another process, in place of the PCI bus.</summary>
/// <param name="cpuSocket">Where its CPU is played from.</param>
/// <param name="log">Told of what is reached.</param>
internal sealed class QtestBus(string cpuSocket, StartLog log) : IBus
{
    /// <inheritdoc/>
    public string Name => "qtest";

    /// <inheritdoc/>
    public IBusSession Scan(EalOptions options, ILoggerFactory loggers)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint("\0" + cpuSocket));
        return new Session(new QtestClient(socket, () => "see the program that started it"), log);
    }

    private sealed class Session(QtestClient client, StartLog log) : IBusSession
    {
        private IDisposable? _sharing;
        private QtestSlot? _slot;

        public IovaMode? RequiredIovaMode => null;

        public IReadOnlyList<BusDevice> Devices { get; } = [new("nic0", "the driver that knows it", NumaNode: -1)];

        public Port CreatePort(BusDevice device, PortContext context)
        {
            log.Reached(StartStage.Runtime);
            _sharing = context.Memory.WatchSegments(Share);
            _slot = new QtestSlot(client, context.Memory);
            QtestFunction nic = _slot.Functions[0];
            INicDriver driver = NicDrivers.Find(nic.Id) ?? throw new InvalidOperationException($"No driver knows {nic.Id}");
            return nic.CreatePort(driver, context, Devargs.Parse(nic.Name));
        }

        public void Dispose() => Disposal.All(new IDisposable?[] { _slot, _sharing, client }.OfType<IDisposable>());

        private unsafe void Share(MemorySegment segment) =>
            log.AddMemory(MemoryFile.PathOf(segment.File), (ulong)segment.Address, segment.Length);
    }
}
