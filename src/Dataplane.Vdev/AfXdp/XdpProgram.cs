using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfXdp;

/// <summary>The program that steers frames into sockets, and its map.</summary>
internal sealed class XdpProgram : IDisposable
{
    /// <summary>What the names of our own programs start with; the process's id follows.</summary>
    private const string Prefix = "dp_xsk_";

    private XdpProgram(SafeFileHandle handle, SocketMap map, bool isForeign)
    {
        Handle = handle;
        Map = map;
        IsForeign = isForeign;
    }

    /// <summary>The program, which this object owns.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Its map of sockets.</summary>
    public SocketMap Map { get; }

    /// <summary>Whether it is not our own, and may do what it likes.</summary>
    public bool IsForeign { get; }

    /// <summary>Which process loaded a program of ours; null if it is none.</summary>
    public static int? OwnerOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && int.TryParse(name.AsSpan(Prefix.Length), out int process)
            ? process
            : null;

    /// <summary>Loads our own program: what arrives at a queue goes to its socket, or to the kernel if there is none.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="queues">Queues of the interface.</param>
    public static XdpProgram LoadOwn(string device, int queues)
    {
        SocketMap map = SocketMap.Create(device, queues);
        // return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS)
        ulong[] code =
        [
            Instruction(0x61, to: 2, from: 1, offset: 16),
            .. LoadMap(register: 1, map.Handle),
            Instruction(0xB7, to: 3, value: Bpf.XDP_PASS),
            Instruction(0x85, value: Bpf.BPF_FUNC_redirect_map),
            Instruction(0x95),
        ];
        return Load(device, code, $"{Prefix}{Environment.ProcessId}", "Apache-2.0", flags: 0, map, isForeign: false);
    }

    /// <summary>Loads a program of the user's, or opens it where it is pinned.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="path">An object file, or a path in a file system of type bpf.</param>
    /// <param name="queues">Queues of the interface.</param>
    public static XdpProgram Open(string device, string path, int queues)
    {
        if (IsPinned(path))
            return OpenPinned(device, path);
        BpfObjectFile file = BpfObjectFile.Read(device, path);
        SocketMap map = SocketMap.Create(device, Math.Max(queues, file.MapEntries));
        ulong[] code = file.Link(map.Handle);
        return Load(device, code, file.Name, file.License, file.Flags, map, isForeign: true);
    }

    public void Dispose()
    {
        Handle.Dispose();
        Map.Dispose();
    }

    /// <summary>Loads the address of a map, in two instructions.</summary>
    internal static ulong[] LoadMap(int register, SafeFileHandle map) =>
        [Instruction(0x18, to: register, from: Bpf.BPF_PSEUDO_MAP_FD, value: (int)map.DangerousGetHandle()), 0];

    /// <summary>struct bpf_insn: a byte of code, four bits each of registers, an offset, a value.</summary>
    internal static ulong Instruction(byte code, int to = 0, int from = 0, short offset = 0, int value = 0) =>
        code | ((ulong)(uint)to << 8) | ((ulong)(uint)from << 12) | ((ulong)(ushort)offset << 16) | ((ulong)(uint)value << 32);

    private static unsafe bool IsPinned(string path)
    {
        Statfs status;
        return Libc.GetStatfs(path, &status) == 0 && status.Type == Statfs.BpfMagic;
    }

    private static XdpProgram Load(
        string device, ulong[] code, string name, string license, uint flags, SocketMap map, bool isForeign)
    {
        SafeFileHandle program = BpfCalls.LoadProgram(code, name, license, flags, out string complaint);
        if (!program.IsInvalid)
            return new XdpProgram(program, map, isForeign);
        DataplaneException failure = SocketMap.Failed(device, $"load the XDP program {name}", Errno.Last);
        program.Dispose();
        map.Dispose();
        throw complaint.Length == 0 ? failure : new DataplaneException($"{failure.Problem}: {complaint}", failure.Remedy);
    }

    private static XdpProgram OpenPinned(string device, string path)
    {
        SafeFileHandle program = BpfCalls.OpenPinned(path);
        if (program.IsInvalid)
        {
            DataplaneException failure = SocketMap.Failed(device, $"open the pinned XDP program {path}", Errno.Last);
            program.Dispose();
            throw failure;
        }

        if (BpfCalls.TryDescribe(program, out BpfProgInfo info, out uint[] maps)
            && info.Type == Bpf.BPF_PROG_TYPE_XDP
            && FindSocketMap(maps) is { } map)
        {
            return new XdpProgram(program, SocketMap.Take(device, map, path), isForeign: true);
        }

        program.Dispose();
        throw new DataplaneException(
            $"{device} cannot use {path}: it is no XDP program with a map of sockets (XSKMAP) that this process may open",
            "pin one with 'bpftool prog load FILE PATH type xdp'; opening its map needs CAP_SYS_ADMIN");
    }

    private static SafeFileHandle? FindSocketMap(uint[] ids)
    {
        foreach (uint id in ids)
        {
            SafeFileHandle map = BpfCalls.OpenMap(id);
            if (!map.IsInvalid && BpfCalls.TryDescribe(map, out BpfMapInfo info) && info.Type == Bpf.BPF_MAP_TYPE_XSKMAP)
                return map;
            map.Dispose();
        }

        return null;
    }
}
