using Dataplane.Linux;
using Dataplane.Vdev.Kernel;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// An XDP program at work on an interface. It is attached by a link, which ends with the process, however that ends; by
/// netlink where the kernel has no such links (before 5.9): there it outlives a process that is killed, and the next one
/// removes it.
/// </summary>
internal sealed unsafe class XdpAttachment : IDisposable
{
    /// <summary>How long a program of a process that has just ended may still be there.</summary>
    private const int Patience = 1000;

    private readonly string _device;
    private readonly KernelInterface _interface;
    private readonly SafeFileHandle _netlink;
    private readonly SafeFileHandle? _link;
    private readonly uint _mode;

    /// <summary>Attaches a program: in driver mode, and where the driver has none in generic mode.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="iface">The interface.</param>
    /// <param name="program">The program.</param>
    /// <param name="logger">Is told of generic mode.</param>
    /// <param name="byNetlink">Whether links are not tried.</param>
    public XdpAttachment(
        string device, KernelInterface iface, XdpProgram program, ILogger logger, bool byNetlink = false)
    {
        _device = device;
        _interface = iface;
        const int Type = SocketNumbers.SOCK_RAW | SocketNumbers.SOCK_CLOEXEC;
        _netlink = Libc.Socket(SocketNumbers.AF_NETLINK, Type, Netlink.NETLINK_ROUTE);
        try
        {
            if (_netlink.IsInvalid)
                throw KernelErrors.Failed(device, "open a netlink socket", "NET_ADMIN");
            RemoveLeftover();
            int error = TryMode(program, Bpf.XDP_FLAGS_DRV_MODE, byNetlink, out _link);
            _mode = Bpf.XDP_FLAGS_DRV_MODE;
            if (error is not (0 or Errno.EBUSY or Errno.EEXIST or Errno.EPERM))
            {
                logger.LogWarning(
                    "{Device}: XDP runs in generic mode on {Interface}, which is slower, because its driver refuses it: {Reason}",
                    device,
                    iface.Name,
                    Errno.Describe(error));
                error = TryMode(program, Bpf.XDP_FLAGS_SKB_MODE, byNetlink, out _link);
                _mode = Bpf.XDP_FLAGS_SKB_MODE;
            }

            if (error != 0)
                throw CannotAttach(error);
        }
        catch
        {
            _netlink.Dispose();
            throw;
        }
    }

    /// <summary>Whether the kernel runs the program on frames that the driver has given it, not the driver itself.</summary>
    public bool IsGeneric => _mode == Bpf.XDP_FLAGS_SKB_MODE;

    public void Dispose()
    {
        if (_link is null)
            SetProgram(-1, _mode);
        else
            _link.Dispose();
        _netlink.Dispose();
    }

    private int TryMode(XdpProgram program, uint mode, bool byNetlink, out SafeFileHandle? link)
    {
        long start = Environment.TickCount64;
        while (true)
        {
            int error = TryOnce(program, mode, byNetlink, out link);
            if (error is not (Errno.EBUSY or Errno.EEXIST) || Environment.TickCount64 - start > Patience)
                return error;
            Thread.Sleep(10);
        }
    }

    private int TryOnce(XdpProgram program, uint mode, bool byNetlink, out SafeFileHandle? link)
    {
        link = byNetlink ? null : BpfCalls.CreateLink(program.Handle, _interface.Index, mode);
        if (link is { IsInvalid: false })
            return 0;
        int error = byNetlink ? Errno.EINVAL : Errno.Last;
        link?.Dispose();
        link = null;
        // EINVAL is what a kernel says that has no such links, and some drivers to a program.
        return error == Errno.EINVAL
            ? SetProgram((int)program.Handle.DangerousGetHandle(), mode | Bpf.XDP_FLAGS_UPDATE_IF_NOEXIST)
            : error;
    }

    /// <summary>Removes a program of ours whose process is no more.</summary>
    private void RemoveLeftover()
    {
        if (FindProgram() is { Owner: { } owner, Mode: var mode } && (owner == Environment.ProcessId || !Directory.Exists($"/proc/{owner}")))
            SetProgram(-1, mode);
    }

    private int SetProgram(int program, uint flags)
    {
        NetlinkRequest request = new NetlinkRequest(Netlink.RTM_SETLINK, flags: 0)
            .Append(new LinkMessage { Index = _interface.Index });
        return request.AppendNested(Netlink.IFLA_XDP, () => request
            .AppendNested(Netlink.IFLA_XDP_FD, () => request.Append(program))
            .AppendNested(Netlink.IFLA_XDP_FLAGS, () => request.Append(flags))).Execute(_netlink);
    }

    /// <summary>The program that is attached; null if none is. Its name needs a privilege to read.</summary>
    private AttachedProgram? FindProgram()
    {
        NetlinkRequest request = new NetlinkRequest(Netlink.RTM_GETLINK, flags: 0)
            .Append(new LinkMessage { Index = _interface.Index });
        // What is there stands first: the mode as the attribute's type, and the id.
        if (!request.TryQuery<LinkMessage, AttachedId>(_netlink, Netlink.IFLA_XDP, offset: 0, out AttachedId attached)
            || attached.Header.Type is < Netlink.IFLA_XDP_DRV_PROG_ID or > Netlink.IFLA_XDP_HW_PROG_ID)
            return null;
        uint mode = attached.Header.Type == Netlink.IFLA_XDP_DRV_PROG_ID ? Bpf.XDP_FLAGS_DRV_MODE : Bpf.XDP_FLAGS_SKB_MODE;
        using SafeFileHandle program = BpfCalls.OpenProgram(attached.Id);
        string name = !program.IsInvalid && BpfCalls.TryDescribe(program, out BpfProgInfo info, out _)
            ? BpfCalls.TextOf(info.Name)
            : "";
        return new AttachedProgram(attached.Id, name, mode);
    }

    private DataplaneException CannotAttach(int error)
    {
        if (error is not (Errno.EBUSY or Errno.EEXIST))
            return SocketMap.Failed(_device, $"attach its XDP program to {_interface.Name}", error);
        AttachedProgram? found = FindProgram();
        string other = found is null ? "another XDP program"
            : found.Owner is { } owner ? $"the XDP program of process {owner}, a dataplane too,"
            : $"the XDP program {found.Id}{(found.Name.Length == 0 ? "" : $" ('{found.Name}')")}";
        return new DataplaneException(
            $"{_device} cannot attach its XDP program to {_interface.Name}: {other} is attached already",
            $"end the program that uses it, or detach it with 'ip link set dev {_interface.Name} xdp off'");
    }

    private sealed record AttachedProgram(uint Id, string Name, uint Mode)
    {
        public int? Owner => XdpProgram.OwnerOf(Name);
    }

    private readonly record struct AttachedId(NetlinkAttribute Header, uint Id);
}
