using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary>Messages about links, routes and traffic control: rtnetlink(7), linux/rtnetlink.h, linux/pkt_cls.h.</summary>
[KernelConstants("linux/netlink.h", "linux/rtnetlink.h", "linux/pkt_sched.h", "linux/pkt_cls.h")]
[KernelConstants("linux/tc_act/tc_mirred.h")]
internal static class Netlink
{
    public const int NETLINK_ROUTE = 0;

    public const ushort NLM_F_REQUEST = 0x01;
    public const ushort NLM_F_ACK = 0x04;
    public const ushort NLM_F_DUMP = 0x300;
    public const ushort NLM_F_EXCL = 0x200;
    public const ushort NLM_F_CREATE = 0x400;
    public const ushort NLMSG_ERROR = 2;

    public const uint RTMGRP_LINK = 1;

    public const ushort RTM_NEWLINK = 16;
    public const ushort RTM_DELLINK = 17;
    public const ushort RTM_GETLINK = 18;
    public const ushort RTM_SETLINK = 19;
    public const ushort RTM_NEWROUTE = 24;
    public const ushort RTM_GETROUTE = 26;
    public const ushort RTM_NEWQDISC = 36;
    public const ushort RTM_DELQDISC = 37;
    public const ushort RTM_NEWTFILTER = 44;
    public const ushort RTM_DELTFILTER = 45;
    public const ushort RTM_NEWNEXTHOP = 104;
    public const ushort RTM_GETNEXTHOP = 106;

    [KernelConstant("linux/if_link.h")] public const ushort IFLA_STATS64 = 23;
    [KernelConstant("linux/if_link.h")] public const ushort IFLA_XDP = 43;
    [KernelConstant("linux/if_link.h")] public const ushort IFLA_XDP_FD = 1;
    [KernelConstant("linux/if_link.h")] public const ushort IFLA_XDP_FLAGS = 3;
    [KernelConstant("linux/if_link.h")] public const ushort IFLA_XDP_DRV_PROG_ID = 5;
    [KernelConstant("linux/if_link.h")] public const ushort IFLA_XDP_HW_PROG_ID = 7;

    /// <summary>Where tx_dropped stands in struct rtnl_link_stats64, which grows at its end.</summary>
    public const int OffsetOfTxDropped = 7 * sizeof(ulong);

    public const byte RTN_UNICAST = 1;
    public const ushort RTA_DST = 1;
    public const ushort RTA_OIF = 4;
    public const ushort RTA_MULTIPATH = 9;
    public const ushort RTA_NH_ID = 30;

    [KernelConstant("linux/nexthop.h")] public const ushort NHA_ID = 1;
    [KernelConstant("linux/nexthop.h")] public const ushort NHA_GROUP = 2;
    [KernelConstant("linux/nexthop.h")] public const ushort NHA_OIF = 5;

    public const ushort TCA_KIND = 1;
    public const ushort TCA_OPTIONS = 2;

    public const uint TC_H_CLSACT = 0xFFFFFFF1;
    public const uint TC_H_MIN_INGRESS = 0xFFF2;

    public const ushort TCA_U32_CLASSID = 1;
    public const ushort TCA_U32_SEL = 5;
    public const ushort TCA_U32_ACT = 7;
    public const byte TC_U32_TERMINAL = 1;

    public const ushort TCA_ACT_KIND = 1;
    public const ushort TCA_ACT_OPTIONS = 2;
    public const ushort TCA_MIRRED_PARMS = 2;
    public const int TCA_EGRESS_REDIR = 1;
    public const int TC_ACT_STOLEN = 4;
}

/// <summary>The header of every message; payload and attributes follow at multiples of four bytes.</summary>
[KernelStruct("struct nlmsghdr", "linux/netlink.h")]
internal struct NetlinkHeader
{
    [KernelField("nlmsg_len")] public uint Length;
    [KernelField("nlmsg_type")] public ushort Type;
    [KernelField("nlmsg_flags")] public ushort Flags;
    [KernelField("nlmsg_seq")] public uint Sequence;
    [KernelField("nlmsg_pid")] public uint PortId;
}

/// <summary>The header of an attribute.</summary>
[KernelStruct("struct nlattr", "linux/netlink.h")]
internal struct NetlinkAttribute
{
    [KernelField("nla_len")] public ushort Length;
    [KernelField("nla_type")] public ushort Type;
}

/// <summary>The address of a netlink socket: the groups it listens to.</summary>
[KernelStruct("struct sockaddr_nl", "linux/netlink.h")]
internal struct SockaddrNl
{
    public ushort NlFamily;
    public ushort NlPad;
    public uint NlPid;
    public uint NlGroups;
}

/// <summary>The answer to a request with NLM_F_ACK: 0 or a negative error number, and the request's header.</summary>
[KernelStruct("struct nlmsgerr", "linux/netlink.h")]
internal struct NetlinkError
{
    public int Error;
    [KernelField("msg")] public NetlinkHeader Request;
}

/// <summary>What a message of a link starts with.</summary>
[KernelStruct("struct ifinfomsg", "linux/rtnetlink.h")]
internal struct LinkMessage
{
    [KernelField("ifi_family")] public byte Family;
    public byte _padding;
    [KernelField("ifi_type")] public ushort Type;
    [KernelField("ifi_index")] public int Index;
    [KernelField("ifi_flags")] public uint Flags;
    [KernelField("ifi_change")] public uint Change;
}

/// <summary>What a message of a route starts with.</summary>
[KernelStruct("struct rtmsg", "linux/rtnetlink.h")]
internal struct RouteMessage
{
    [KernelField("rtm_family")] public byte Family;
    [KernelField("rtm_dst_len")] public byte DestinationLength;
    [KernelField("rtm_src_len")] public byte SourceLength;
    [KernelField("rtm_tos")] public byte TypeOfService;
    [KernelField("rtm_table")] public byte Table;
    [KernelField("rtm_protocol")] public byte Protocol;
    [KernelField("rtm_scope")] public byte Scope;
    [KernelField("rtm_type")] public byte Type;
    [KernelField("rtm_flags")] public uint Flags;
}

/// <summary>One of the ways of a route that has several.</summary>
[KernelStruct("struct rtnexthop", "linux/rtnetlink.h")]
internal struct RouteNextHop
{
    [KernelField("rtnh_len")] public ushort Length;
    [KernelField("rtnh_flags")] public byte Flags;
    [KernelField("rtnh_hops")] public byte Hops;
    [KernelField("rtnh_ifindex")] public int Index;
}

/// <summary>What a message of a nexthop object starts with.</summary>
[KernelStruct("struct nhmsg", "linux/nexthop.h")]
internal struct NextHopMessage
{
    [KernelField("nh_family")] public byte Family;
    [KernelField("nh_scope")] public byte Scope;
    [KernelField("nh_protocol")] public byte Protocol;
    [KernelField("resvd")] public byte Reserved;
    [KernelField("nh_flags")] public uint Flags;
}

/// <summary>One of the nexthop objects of a group, with a weight behind it whose fields newer headers name otherwise.</summary>
[KernelStruct("struct nexthop_grp", "linux/nexthop.h")]
[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct NextHopGroupEntry
{
    public uint Id;
}

/// <summary>What a message of traffic control starts with.</summary>
[KernelStruct("struct tcmsg", "linux/rtnetlink.h")]
internal struct TrafficControlMessage
{
    [KernelField("tcm_family")] public byte Family;
    public byte _padding1;
    public ushort _padding2;
    [KernelField("tcm_ifindex")] public int Index;
    [KernelField("tcm_handle")] public uint Handle;
    [KernelField("tcm_parent")] public uint Parent;
    [KernelField("tcm_info")] public uint Info;
}

/// <summary>The selector of the u32 classifier: how many keys follow, and what happens on a match.</summary>
[KernelStruct("struct tc_u32_sel", "linux/pkt_cls.h")]
internal struct U32Selector
{
    public byte Flags;
    public byte Offshift;
    public byte Nkeys;
    public byte _padding;
    public ushort Offmask;
    public ushort Off;
    public short Offoff;
    public short Hoff;
    public uint Hmask;
}

/// <summary>A key of the u32 classifier: 32 bits at an offset from the network header, under a mask.</summary>
[KernelStruct("struct tc_u32_key", "linux/pkt_cls.h")]
internal struct U32Key
{
    public uint Mask;
    public uint Val;
    public int Off;
    public int Offmask;
}

/// <summary>What the mirred action does with a frame.</summary>
[KernelStruct("struct tc_mirred", "linux/tc_act/tc_mirred.h")]
internal struct MirredParameters
{
    public uint Index;
    public uint Capab;
    public int Action;
    public int Refcnt;
    public int Bindcnt;
    public int Eaction;
    public uint Ifindex;
}
