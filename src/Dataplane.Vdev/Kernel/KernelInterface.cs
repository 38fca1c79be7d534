using System.Net.NetworkInformation;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Kernel;

/// <summary>
/// A network interface of the kernel, in the network namespace of the thread that opened it, whoever asks later.
/// </summary>
internal sealed unsafe class KernelInterface : IDisposable
{
    private readonly string _device;
    private readonly SafeFileHandle _control;

    /// <summary>Opens an interface.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="name">The interface's name.</param>
    /// <exception cref="DataplaneException">There is none of that name.</exception>
    public KernelInterface(string device, string name)
    {
        _device = device;
        Name = name;
        if (!InterfaceName.IsValid(name))
            throw new DataplaneException($"{device} cannot use the interface '{name}': {InterfaceName.Rule}");
        // Any socket will do for ioctls on interfaces; this one needs no privilege and no IP.
        _control = Libc.Socket(SocketNumbers.AF_UNIX, SocketNumbers.SOCK_DGRAM | SocketNumbers.SOCK_CLOEXEC, 0);
        if (_control.IsInvalid)
            throw KernelErrors.Failed(device, "open a control socket", "NET_ADMIN");
        Ifreq request = Request();
        if (TryCall(NetworkDevice.SIOCGIFINDEX, ref request))
        {
            Index = request.Value.Number;
            return;
        }

        _control.Dispose();
        IEnumerable<string> known = NetworkInterface.GetAllNetworkInterfaces().Select(one => one.Name);
        throw new DataplaneException(
            $"{device} finds no network interface '{name}' in its network namespace",
            $"the interfaces are {string.Join(", ", known)}");
    }

    /// <summary>The interface's name.</summary>
    public string Name { get; }

    /// <summary>The kernel's number of the interface.</summary>
    public int Index { get; }

    /// <summary>Whether somebody has set it up; whether frames pass is <see cref="ReadLink"/>.</summary>
    public bool IsUp => (ReadFlags() & NetworkDevice.IFF_UP) != 0;

    /// <summary>The largest payload in bytes; 0 if the interface is gone.</summary>
    public int ReadMtu()
    {
        Ifreq request = Request();
        return TryCall(NetworkDevice.SIOCGIFMTU, ref request) ? request.Value.Number : 0;
    }

    /// <summary>Changes the largest payload.</summary>
    public void SetMtu(int mtu)
    {
        Ifreq request = Request();
        request.Value.Number = mtu;
        Call(NetworkDevice.SIOCSIFMTU, ref request, $"give the interface {Name} an MTU of {mtu} bytes");
    }

    /// <summary>The interface's own address.</summary>
    public MacAddress ReadMacAddress()
    {
        Ifreq request = Request();
        Call(NetworkDevice.SIOCGIFHWADDR, ref request, $"read the MAC address of {Name}");
        return new MacAddress(new ReadOnlySpan<byte>(request.Value.Address.Octets, MacAddress.Length));
    }

    /// <summary>Changes the interface's own address.</summary>
    public void SetMacAddress(MacAddress address)
    {
        Ifreq request = Request();
        request.Value.Address.Type = NetworkDevice.ARPHRD_ETHER;
        address.CopyTo(new Span<byte>(request.Value.Address.Octets, MacAddress.Length));
        Call(NetworkDevice.SIOCSIFHWADDR, ref request, $"give the interface {Name} the MAC address {address}");
    }

    /// <summary>Sets the interface up or down.</summary>
    public void SetUp(bool up)
    {
        if (!TrySetUp(up))
            throw KernelErrors.Failed(_device, $"set the interface {Name} {(up ? "up" : "down")}", "NET_ADMIN");
    }

    /// <summary>Sets the interface up or down; false if it is gone or the kernel refused.</summary>
    public bool TrySetUp(bool up)
    {
        Ifreq request = Request();
        if (!TryCall(NetworkDevice.SIOCGIFFLAGS, ref request))
            return false;
        // Nothing to do needs no privilege.
        if ((request.Value.Flags & NetworkDevice.IFF_UP) != 0 == up)
            return true;
        request.Value.Flags ^= NetworkDevice.IFF_UP;
        return TryCall(NetworkDevice.SIOCSIFFLAGS, ref request);
    }

    /// <summary>Whether frames pass, and how fast where the interface says so.</summary>
    public LinkStatus ReadLink()
    {
        const int Up = NetworkDevice.IFF_UP | NetworkDevice.IFF_RUNNING;
        if ((ReadFlags() & Up) != Up)
            return LinkStatus.Down;
        var command = new EthtoolCmd { Cmd = NetworkDevice.ETHTOOL_GSET };
        Ifreq request = Request();
        request.Value.Pointer = &command;
        if (!TryCall(NetworkDevice.SIOCETHTOOL, ref request))
            return new LinkStatus(IsUp: true, LinkStatus.UnknownSpeed);
        // SPEED_UNKNOWN is -1 over both halves, some drivers set the lower alone.
        uint speed = command.Speed | ((uint)command.SpeedHi << 16);
        return new LinkStatus(
            IsUp: true,
            speed is 0 or ushort.MaxValue ? LinkStatus.UnknownSpeed : speed,
            FullDuplex: command.Duplex != NetworkDevice.DUPLEX_HALF,
            AutoNegotiated: command.Autoneg == NetworkDevice.AUTONEG_ENABLE);
    }

    /// <summary>How many queues it has, of the direction that has more; null if it does not say.</summary>
    public int? ReadQueueCount()
    {
        var channels = new EthtoolChannels { Cmd = NetworkDevice.ETHTOOL_GCHANNELS };
        Ifreq request = Request();
        request.Value.Pointer = &channels;
        return TryCall(NetworkDevice.SIOCETHTOOL, ref request)
            ? (int)(channels.CombinedCount + Math.Max(channels.RxCount, channels.TxCount))
            : null;
    }

    public void Dispose() => _control.Dispose();

    private int ReadFlags()
    {
        Ifreq request = Request();
        return TryCall(NetworkDevice.SIOCGIFFLAGS, ref request) ? request.Value.Flags : 0;
    }

    private Ifreq Request()
    {
        var request = default(Ifreq);
        InterfaceName.Write(Name, ref request);
        return request;
    }

    private void Call(uint number, ref Ifreq request, string action)
    {
        if (!TryCall(number, ref request))
            throw KernelErrors.Failed(_device, action, "NET_ADMIN");
    }

    private bool TryCall(uint number, ref Ifreq request)
    {
        fixed (Ifreq* pointer = &request)
            return Libc.Ioctl(_control, number, pointer) == 0;
    }
}
