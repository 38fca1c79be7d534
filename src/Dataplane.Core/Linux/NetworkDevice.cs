using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary>Asking and telling a network interface by ioctl: netdevice(7), linux/sockios.h, linux/ethtool.h.</summary>
[KernelConstants("linux/sockios.h", "linux/if.h", "linux/ethtool.h", "linux/if_arp.h")]
internal static class NetworkDevice
{
    public const int IFNAMSIZ = 16;

    public const int SIOCGIFFLAGS = 0x8913;
    public const int SIOCSIFFLAGS = 0x8914;
    public const int SIOCGIFMTU = 0x8921;
    public const int SIOCSIFMTU = 0x8922;
    public const int SIOCSIFHWADDR = 0x8924;
    public const int SIOCGIFHWADDR = 0x8927;
    public const int SIOCGIFINDEX = 0x8933;
    public const int SIOCETHTOOL = 0x8946;

    public const int IFF_UP = 0x1;
    public const int IFF_RUNNING = 0x40;

    public const ushort ARPHRD_ETHER = 1;

    public const uint ETHTOOL_GSET = 0x1;
    public const uint ETHTOOL_GCHANNELS = 0x3C;
    public const byte DUPLEX_HALF = 0;
    public const byte AUTONEG_ENABLE = 1;
}

/// <summary>The request of most ioctls on an interface: its name and one value.</summary>
[KernelStruct("struct ifreq", "linux/if.h")]
internal unsafe struct Ifreq
{
    [KernelField("ifr_name")] public fixed byte Name[NetworkDevice.IFNAMSIZ];
    [KernelField("ifr_ifru")] public IfreqValue Value;
}

/// <summary>The value of an <see cref="Ifreq"/>; which member it is depends on the ioctl.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal unsafe struct IfreqValue
{
    [FieldOffset(0)] public int Number;
    [FieldOffset(0)] public short Flags;
    [FieldOffset(0)] public void* Pointer;
    [FieldOffset(0)] public HardwareAddress Address;
}

/// <summary>A link-layer address.</summary>
[KernelStruct("struct sockaddr", "linux/socket.h", "sys/socket.h")]
internal unsafe struct HardwareAddress
{
    [KernelField("sa_family")] public ushort Type;
    [KernelField("sa_data")] public fixed byte Octets[14];
}

/// <summary>Speed and duplex of a link, as ETHTOOL_GSET answers it.</summary>
[KernelStruct("struct ethtool_cmd", "linux/ethtool.h")]
internal unsafe struct EthtoolCmd
{
    public uint Cmd;
    public uint Supported;
    public uint Advertising;
    public ushort Speed;
    public byte Duplex;
    public byte Port;
    public byte PhyAddress;
    public byte Transceiver;
    public byte Autoneg;
    public byte MdioSupport;
    public uint Maxtxpkt;
    public uint Maxrxpkt;
    public ushort SpeedHi;
    public byte EthTpMdix;
    public byte EthTpMdixCtrl;
    public uint LpAdvertising;
    public fixed uint Reserved[2];
}

/// <summary>How many queues an interface has, as ETHTOOL_GCHANNELS answers it.</summary>
[KernelStruct("struct ethtool_channels", "linux/ethtool.h")]
internal struct EthtoolChannels
{
    public uint Cmd;
    public uint MaxRx;
    public uint MaxTx;
    public uint MaxOther;
    public uint MaxCombined;
    public uint RxCount;
    public uint TxCount;
    public uint OtherCount;
    public uint CombinedCount;
}
