using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Kernel;

/// <summary>Frames that the kernel could not send because nobody took them at the other side of an interface.</summary>
internal sealed class TransmitDrops : IDisposable
{
    private readonly KernelInterface _interface;
    private readonly SafeFileHandle _netlink;
    private ulong _baseline;
    private ulong _last;

    public TransmitDrops(string device, KernelInterface iface)
    {
        _interface = iface;
        const int Type = SocketNumbers.SOCK_RAW | SocketNumbers.SOCK_CLOEXEC;
        _netlink = Libc.Socket(SocketNumbers.AF_NETLINK, Type, Netlink.NETLINK_ROUTE);
        if (_netlink.IsInvalid)
            throw KernelErrors.Failed(device, "open a netlink socket", "NET_ADMIN");
        Reset();
    }

    /// <summary>Lets them count from zero. One thread at a time.</summary>
    public void Reset() => _baseline = ReadTotal();

    /// <summary>How many there are; what was read last if the interface is gone. One thread at a time.</summary>
    public ulong Read() => ReadTotal() - _baseline;

    public void Dispose() => _netlink.Dispose();

    private ulong ReadTotal()
    {
        NetlinkRequest request = new NetlinkRequest(Netlink.RTM_GETLINK, flags: 0)
            .Append(new LinkMessage { Index = _interface.Index });
        if (request.TryQuery<LinkMessage, ulong>(
            _netlink, Netlink.IFLA_STATS64, Netlink.OffsetOfTxDropped, out ulong drops))
            _last = drops;
        return _last;
    }
}
