using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary>Programs and maps of the kernel's virtual machine: bpf(2), linux/bpf.h.</summary>
[KernelConstants("linux/bpf.h")]
internal static class Bpf
{
    public const int BPF_MAP_CREATE = 0;
    public const int BPF_MAP_UPDATE_ELEM = 2;
    public const int BPF_MAP_DELETE_ELEM = 3;
    public const int BPF_PROG_LOAD = 5;
    public const int BPF_OBJ_PIN = 6;
    public const int BPF_OBJ_GET = 7;
    public const int BPF_PROG_GET_FD_BY_ID = 13;
    public const int BPF_MAP_GET_FD_BY_ID = 14;
    public const int BPF_OBJ_GET_INFO_BY_FD = 15;
    public const int BPF_LINK_CREATE = 28;

    public const uint BPF_PROG_TYPE_XDP = 6;
    public const uint BPF_MAP_TYPE_XSKMAP = 17;
    public const uint BPF_XDP = 37;
    public const int BPF_OBJ_NAME_LEN = 16;

    public const byte BPF_PSEUDO_MAP_FD = 1;
    public const int BPF_FUNC_redirect_map = 51;
    public const int XDP_PASS = 2;

    /// <summary>Bytes of a chunk in front of a received frame.</summary>
    public const int XDP_PACKET_HEADROOM = 256;

    [KernelConstant("linux/bpf.h")] public const uint BPF_F_XDP_HAS_FRAGS = 1 << 5;

    [KernelConstant("linux/if_link.h")] public const uint XDP_FLAGS_UPDATE_IF_NOEXIST = 1 << 0;
    [KernelConstant("linux/if_link.h")] public const uint XDP_FLAGS_SKB_MODE = 1 << 1;
    [KernelConstant("linux/if_link.h")] public const uint XDP_FLAGS_DRV_MODE = 1 << 2;
}

/// <summary>
/// The argument of every command, of which each has its own view. Kernels take a longer one than they know, if the rest
/// is zero, so every command is called with all of it.
/// </summary>
[KernelStruct("union bpf_attr", "linux/bpf.h")]
[StructLayout(LayoutKind.Explicit, Size = 144)]
internal unsafe struct BpfAttr
{
    [FieldOffset(0)] public uint MapType;
    [FieldOffset(4)] public uint KeySize;
    [FieldOffset(8)] public uint ValueSize;
    [FieldOffset(12)] public uint MaxEntries;
    [FieldOffset(28)] public fixed byte MapName[Bpf.BPF_OBJ_NAME_LEN];

    [FieldOffset(0)] public uint MapFd;
    [FieldOffset(8)] public ulong Key;
    [FieldOffset(16)] public ulong Value;

    [FieldOffset(0)] public uint ProgType;
    [FieldOffset(4)] public uint InsnCnt;
    [FieldOffset(8)] public ulong Insns;
    [FieldOffset(16)] public ulong License;
    [FieldOffset(24)] public uint LogLevel;
    [FieldOffset(28)] public uint LogSize;
    [FieldOffset(32)] public ulong LogBuf;
    [FieldOffset(44)] public uint ProgFlags;
    [FieldOffset(48)] public fixed byte ProgName[Bpf.BPF_OBJ_NAME_LEN];
    [FieldOffset(68)] public uint ExpectedAttachType;

    [FieldOffset(0)] public ulong Pathname;
    [FieldOffset(8)] public uint BpfFd;

    [FieldOffset(0)] public uint ProgId;
    [FieldOffset(0)] public uint MapId;

    [FieldOffset(0), KernelField("info.bpf_fd")] public uint InfoFd;
    [FieldOffset(4), KernelField("info.info_len")] public uint InfoLength;
    [FieldOffset(8), KernelField("info.info")] public ulong Info;

    [FieldOffset(0), KernelField("link_create.prog_fd")] public uint LinkProgram;
    [FieldOffset(4), KernelField("link_create.target_ifindex")] public uint LinkInterface;
    [FieldOffset(8), KernelField("link_create.attach_type")] public uint LinkType;
    [FieldOffset(12), KernelField("link_create.flags")] public uint LinkFlags;
}

/// <summary>What the kernel tells of a program; the part that we ask for. It fills as much as it is given room for.</summary>
[KernelStruct("struct bpf_prog_info", "linux/bpf.h")]
[StructLayout(LayoutKind.Explicit, Size = 232)]
internal unsafe struct BpfProgInfo
{
    [FieldOffset(0)] public uint Type;
    [FieldOffset(4)] public uint Id;
    [FieldOffset(52)] public uint NrMapIds;
    [FieldOffset(56)] public ulong MapIds;
    [FieldOffset(64)] public fixed byte Name[Bpf.BPF_OBJ_NAME_LEN];
}

/// <summary>What the kernel tells of a map.</summary>
[KernelStruct("struct bpf_map_info", "linux/bpf.h")]
[StructLayout(LayoutKind.Explicit, Size = 88)]
internal unsafe struct BpfMapInfo
{
    [FieldOffset(0)] public uint Type;
    [FieldOffset(4)] public uint Id;
    [FieldOffset(8)] public uint KeySize;
    [FieldOffset(12)] public uint ValueSize;
    [FieldOffset(16)] public uint MaxEntries;
    [FieldOffset(24)] public fixed byte Name[Bpf.BPF_OBJ_NAME_LEN];
}
