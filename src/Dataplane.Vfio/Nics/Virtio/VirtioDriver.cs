using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Virtio;

/// <summary><c>net_virtio</c>: the network device of virtio 1.0 and later, in software of a hypervisor or in hardware.</summary>
internal sealed class VirtioDriver : INicDriver
{
    internal const string SpeedKey = "speed", VectorizedKey = "vectorized", PackedKey = "packed_vq";

    private const ushort Vendor = 0x1AF4;

    /// <inheritdoc/>
    public string Name => "net_virtio";

    /// <inheritdoc/>
    public IReadOnlyList<SupportedDevice> Devices { get; } =
    [
        new(new PciId(Vendor, 0x1041), "Virtio 1.0 network device"),
        new(new PciId(Vendor, 0x1000), "Virtio network device (transitional, in its modern mode)"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new(SpeedKey, "link speed to report, in Mbit/s (what the device says, else unknown)"),
        new(VectorizedKey, "0 or 1; taken for DPDK's sake, there is one path"),
        new(PackedKey, "0: split rings even if the device offers packed ones (1)"),
    ];

    /// <inheritdoc/>
    public Port Create<TRegisters>(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
        where TRegisters : struct, IRegisterSpace => VirtioPort<TRegisters>.Open(context, function, arguments);
}
