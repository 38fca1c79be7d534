using System.Numerics;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Virtio;

namespace Dataplane.Vfio.Nics.Virtio;

/// <summary>What a network device offers, and what a port makes of it.</summary>
internal sealed record VirtioNetOffer
{
    /// <summary>
    /// Without mergeable buffers a frame must fit into one, and this is what buffers are unless somebody makes them larger.
    /// </summary>
    private const int MaxMtuInOneBuffer = Mbuf.DefaultDataRoom - VirtioNetFrames.Overhead;

    /// <summary>Pairs that we use at most; more than any machine has lcores for, and what DPDK's driver has.</summary>
    private const int MostPairs = 128;

    /// <summary>What is accepted whenever it is offered.</summary>
    private const VirtioFeatures Always =
        VirtioFeatures.Version1 | VirtioFeatures.AccessPlatform | VirtioFeatures.OrderPlatform | VirtioFeatures.RingIndirectDesc
        | VirtioFeatures.RingEventIdx | VirtioFeatures.NotificationData | VirtioFeatures.NetMac | VirtioFeatures.NetMtu
        | VirtioFeatures.NetStatus | VirtioFeatures.NetSpeedDuplex | VirtioFeatures.NetMrgRxbuf;

    /// <summary>What needs the control queue.</summary>
    private const VirtioFeatures ByControlQueue =
        VirtioFeatures.NetCtrlVq | VirtioFeatures.NetCtrlRx | VirtioFeatures.NetCtrlMacAddr | VirtioFeatures.NetMq
        | VirtioFeatures.NetRss;

    /// <summary>What the device offers.</summary>
    public required VirtioFeatures Features { get; init; }

    /// <summary>Pairs of queues.</summary>
    public int Pairs { get; private init; } = 1;

    /// <summary>The device's address, or one that is made up.</summary>
    public MacAddress MacAddress { get; private init; }

    /// <summary>The largest MTU.</summary>
    public int Mtu { get; private init; } = VirtioNetFrames.MaxMtu;

    /// <summary>VIRTIO_NET_HASH_TYPE_... that the device can.</summary>
    public uint HashTypes { get; private init; }

    /// <summary>Entries of the table by which hashes choose queues.</summary>
    public int IndirectionEntries { get; private init; }

    /// <summary>Reads it; the device has just been reset.</summary>
    /// <exception cref="DataplaneException">The device cannot be used.</exception>
    public static VirtioNetOffer Read<TRegisters>(VirtioPciDevice<TRegisters> device, DataplaneMemory memory, Devargs arguments)
        where TRegisters : struct, IRegisterSpace
    {
        VirtioFeatures offered = device.Begin();
        Check(device.Name, offered, memory);
        VirtioFeatures usable = Always;
        if (arguments.GetBoolean(VirtioDriver.PackedKey, defaultValue: true))
            usable |= VirtioFeatures.RingPacked;
        if ((offered & VirtioFeatures.NetCtrlVq) != 0)
            usable |= ByControlQueue;
        usable |= VirtioFeatures.NetCsum | VirtioFeatures.NetGuestCsum;
        return ReadConfiguration(device, offered & usable);
    }

    /// <summary>What to accept for a configuration.</summary>
    public VirtioFeatures FeaturesFor(PortConfiguration configuration)
    {
        VirtioFeatures features = Features;
        if ((configuration.Offloads & PortOffloads.RxL4Checksum) == 0)
            features &= ~VirtioFeatures.NetGuestCsum;
        if ((configuration.Offloads & PortOffloads.TxL4Checksum) == 0)
            features &= ~VirtioFeatures.NetCsum;
        return features;
    }

    /// <summary>What the port can do.</summary>
    public PortCapabilities ToCapabilities(bool hasRxInterrupts) => new()
    {
        MaxRxQueues = Pairs,
        MaxTxQueues = Pairs,
        Offloads = PortOffloads.RxVlanStrip | PortOffloads.TxVlanInsert | PortOffloads.TxMultiSegment
            | If(VirtioFeatures.NetMrgRxbuf, PortOffloads.RxScatter)
            | If(VirtioFeatures.NetGuestCsum, PortOffloads.RxL4Checksum)
            | If(VirtioFeatures.NetCsum, PortOffloads.TxL4Checksum),
        RssHash = VirtioRssConfiguration.HashOf(HashTypes),
        HasRxInterrupts = hasRxInterrupts,
        MaxMtu = Mtu,
    };

    private PortOffloads If(VirtioFeatures feature, PortOffloads offload) =>
        (Features & feature) != 0 ? offload : PortOffloads.None;

    private static void Check(string name, VirtioFeatures offered, DataplaneMemory memory)
    {
        if ((offered & VirtioFeatures.Version1) == 0)
            throw new DataplaneException($"{name}: the device does not offer VIRTIO_F_VERSION_1", "QEMU: -device virtio-net-pci,disable-modern=off");

        // Virtual addresses mean something to the IOMMU alone, and without this feature the device's accesses go around it.
        if ((offered & VirtioFeatures.AccessPlatform) == 0 && memory.IovaMode == IovaMode.Va)
        {
            throw new DataplaneException(
                $"{name}: the device does not offer VIRTIO_F_ACCESS_PLATFORM, so its accesses to memory do not go through the IOMMU",
                "QEMU: -device virtio-net-pci,iommu_platform=on (libvirt: <driver iommu='on'/>), or run with --iova-mode=pa");
        }
    }

    private static VirtioNetOffer ReadConfiguration<TRegisters>(VirtioPciDevice<TRegisters> device, VirtioFeatures features)
        where TRegisters : struct, IRegisterSpace
    {
        features &= ~MissingFields(device.ConfigLength);
        // RSS is used beside MQ only; accepted alone it would move the control queue behind all pairs (section 5.1.2).
        bool hasRss = (features & VirtioFeatures.NetRss) != 0 && (features & VirtioFeatures.NetMq) != 0
            && device.ReadConfig8(VirtioNetConfig.RssMaxKeySize) >= VirtioRssConfiguration.KeyLength;
        if (!hasRss)
            features &= ~VirtioFeatures.NetRss;
        return new VirtioNetOffer
        {
            Features = features,
            Pairs = (features & VirtioFeatures.NetMq) == 0
                ? 1 : Math.Clamp((int)device.ReadConfig16(VirtioNetConfig.MaxVirtqueuePairs), 1, MostPairs),
            MacAddress = (features & VirtioFeatures.NetMac) == 0 ? MacAddress.CreateRandom() : ReadMacAddress(device),
            Mtu = ReadMtu(device, features),
            HashTypes = hasRss ? device.ReadConfig32(VirtioNetConfig.SupportedHashTypes) : 0,
            IndirectionEntries = hasRss ? ReadIndirectionEntries(device) : 0,
        };
    }

    /// <summary>Features whose fields lie behind the end of the device's configuration.</summary>
    private static VirtioFeatures MissingFields(int length)
    {
        VirtioFeatures missing = VirtioFeatures.None;
        if (length < VirtioNetConfig.MaxVirtqueuePairs + sizeof(ushort))
            missing |= VirtioFeatures.NetMq;
        if (length < VirtioNetConfig.Mtu + sizeof(ushort))
            missing |= VirtioFeatures.NetMtu;
        if (length < VirtioNetConfig.Duplex + sizeof(byte))
            missing |= VirtioFeatures.NetSpeedDuplex;
        if (length < VirtioNetConfig.Length)
            missing |= VirtioFeatures.NetRss;
        return missing;
    }

    private static int ReadMtu<TRegisters>(VirtioPciDevice<TRegisters> device, VirtioFeatures features)
        where TRegisters : struct, IRegisterSpace
    {
        int most = (features & VirtioFeatures.NetMrgRxbuf) != 0 ? VirtioNetFrames.MaxMtu : MaxMtuInOneBuffer;
        return (features & VirtioFeatures.NetMtu) == 0 ? most : Math.Clamp((int)device.ReadConfig16(VirtioNetConfig.Mtu), 68, most);
    }

    /// <summary>Entries of the table that we use: a power of two, as its mask wants it (section 5.1.6.5.7.1).</summary>
    private static int ReadIndirectionEntries<TRegisters>(VirtioPciDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        int most = device.ReadConfig16(VirtioNetConfig.RssMaxIndirectionTableLength);
        return most == 0 ? 0 : Math.Min(1 << BitOperations.Log2((uint)most), VirtioRssConfiguration.MostEntries);
    }

    private static MacAddress ReadMacAddress<TRegisters>(VirtioPciDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        Span<byte> octets = stackalloc byte[MacAddress.Length];
        device.ReadConfig(VirtioNetConfig.Mac, octets);
        return new MacAddress(octets);
    }
}
