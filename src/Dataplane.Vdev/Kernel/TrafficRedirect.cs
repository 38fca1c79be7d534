using System.Buffers.Binary;
using Dataplane.Linux;
using Dataplane.Packets;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Kernel;

/// <summary>
/// Rules of traffic control that move frames which arrive at one interface out of another (tc-mirred(8)). They are made
/// of the u32 classifier, which every kernel with traffic control has.
/// </summary>
internal sealed class TrafficRedirect : IDisposable
{
    /// <summary>Our rules have the priorities from here on; who makes rules without a priority gets others.</summary>
    private const ushort FirstPriority = 700;

    private const uint IngressQdisc = 0xFFFF0000;
    private const uint Ingress = IngressQdisc | Netlink.TC_H_MIN_INGRESS;

    private readonly string _device;
    private readonly KernelInterface _from;
    private readonly KernelInterface _to;
    private readonly SafeFileHandle _netlink;
    private readonly bool _ownsQdisc;

    /// <summary>Prepares an interface; rules of an earlier process that died are removed.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="from">Where frames arrive.</param>
    /// <param name="to">Where they are sent out.</param>
    public TrafficRedirect(string device, KernelInterface from, KernelInterface to)
    {
        _device = device;
        _from = from;
        _to = to;
        const int Type = SocketNumbers.SOCK_RAW | SocketNumbers.SOCK_CLOEXEC;
        _netlink = Libc.Socket(SocketNumbers.AF_NETLINK, Type, Netlink.NETLINK_ROUTE);
        if (_netlink.IsInvalid)
            throw KernelErrors.Failed(device, "open a netlink socket", "NET_ADMIN");
        const int Fresh = Netlink.NLM_F_CREATE | Netlink.NLM_F_EXCL;
        int error = Request(Netlink.RTM_NEWQDISC, Fresh, IngressQdisc, Netlink.TC_H_CLSACT, info: 0)
            .AppendText(Netlink.TCA_KIND, "clsact").Execute(_netlink);
        _ownsQdisc = error == 0;
        if (error is not 0 and not Errno.EEXIST)
        {
            _netlink.Dispose();
            throw Failure("clsact (CONFIG_NET_SCH_INGRESS)", error);
        }

        foreach (Rule rule in Enum.GetValues<Rule>())
            Remove(rule);
    }

    /// <summary>Which frames are moved; each is a priority of its own.</summary>
    public enum Rule
    {
        /// <summary>To one address.</summary>
        Address,

        /// <summary>To all stations.</summary>
        Broadcast,

        /// <summary>To the groups of IPv6, which stand for broadcast there (RFC 2464).</summary>
        Ipv6Multicast,

        /// <summary>To any group.</summary>
        Multicast,

        /// <summary>All.</summary>
        Everything,
    }

    /// <summary>Moves frames from now on.</summary>
    /// <param name="rule">Which.</param>
    /// <param name="address">The address of <see cref="Rule.Address"/>.</param>
    public void Add(Rule rule, MacAddress address = default)
    {
        (ulong value, ulong mask) = rule switch
        {
            Rule.Address => (address.Wire, 0xFFFF_FFFF_FFFFul),
            Rule.Broadcast => (0xFFFF_FFFF_FFFFul, 0xFFFF_FFFF_FFFFul),
            Rule.Ipv6Multicast => (0x3333ul, 0xFFFFul),
            Rule.Multicast => (1ul, 1ul),
            _ => (0ul, 0ul),
        };
        NetlinkRequest request =
            Request(Netlink.RTM_NEWTFILTER, Netlink.NLM_F_CREATE, handle: 0, Ingress, InfoOf(rule));
        request.AppendText(Netlink.TCA_KIND, "u32").AppendNested(Netlink.TCA_OPTIONS, () => request
            .AppendNested(Netlink.TCA_U32_SEL, () => AppendSelector(request, value, mask))
            .AppendNested(Netlink.TCA_U32_ACT, () => request
                .AppendNested(1, () => AppendAction(request))));
        int error = request.Execute(_netlink);
        if (error != 0)
            throw Failure("u32 and mirred (CONFIG_NET_CLS_U32, CONFIG_NET_ACT_MIRRED)", error);
    }

    /// <summary>Moves them no longer; nothing happens if it did not.</summary>
    public void Remove(Rule rule) =>
        Request(Netlink.RTM_DELTFILTER, flags: 0, handle: 0, Ingress, InfoOf(rule)).Execute(_netlink);

    /// <summary>Leaves the interface as it was found.</summary>
    public void Dispose()
    {
        foreach (Rule rule in Enum.GetValues<Rule>())
            Remove(rule);
        if (_ownsQdisc)
            Request(Netlink.RTM_DELQDISC, flags: 0, IngressQdisc, Netlink.TC_H_CLSACT, info: 0).Execute(_netlink);
        _netlink.Dispose();
    }

    /// <summary>
    /// Compares the destination, which lies 14 to 9 bytes before the network header. Keys are words of 32 bits in
    /// network order at multiples of 4, so the first one has two bytes that do not count.
    /// </summary>
    private static void AppendSelector(NetlinkRequest request, ulong value, ulong mask) => request
        .Append(new U32Selector { Flags = Netlink.TC_U32_TERMINAL, Nkeys = 2 })
        .Append(new U32Key { Val = (uint)(value << 16), Mask = (uint)(mask << 16), Off = -16 })
        .Append(new U32Key { Val = (uint)(value >> 16), Mask = (uint)(mask >> 16), Off = -12 });

    private static uint InfoOf(Rule rule)
    {
        ushort protocol = PacketSocket.ETH_P_ALL;
        if (BitConverter.IsLittleEndian)
            protocol = BinaryPrimitives.ReverseEndianness(protocol);
        return ((uint)(FirstPriority + rule) << 16) | protocol;
    }

    private void AppendAction(NetlinkRequest request) => request
        .AppendText(Netlink.TCA_ACT_KIND, "mirred")
        .AppendNested(Netlink.TCA_ACT_OPTIONS, () => request
            .AppendNested(Netlink.TCA_MIRRED_PARMS, () => request.Append(new MirredParameters
            {
                Action = Netlink.TC_ACT_STOLEN,
                Eaction = Netlink.TCA_EGRESS_REDIR,
                Ifindex = (uint)_to.Index,
            })));

    private NetlinkRequest Request(ushort type, int flags, uint handle, uint parent, uint info) =>
        new NetlinkRequest(type, (ushort)flags).Append(new TrafficControlMessage
        {
            Index = _from.Index,
            Handle = handle,
            Parent = parent,
            Info = info,
        });

    private DataplaneException Failure(string needed, int error)
    {
        return new DataplaneException(
            $"{_device} cannot redirect what arrives at {_from.Name} by traffic control: {Errno.Describe(error)}",
            error is Errno.EPERM ? KernelErrors.Grant("NET_ADMIN") : $"the kernel needs {needed}");
    }
}
