using System.Text;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfXdp;

/// <summary>bpf(2) as ports need it. A call that fails returns an invalid handle or an error number.</summary>
internal static unsafe class BpfCalls
{
    private const int LogSize = 64 << 10;

    /// <summary>Makes a map of AF_XDP sockets by queue.</summary>
    public static SafeFileHandle CreateSocketMap(string name, int queues)
    {
        var argument = new BpfAttr
        {
            MapType = Bpf.BPF_MAP_TYPE_XSKMAP,
            KeySize = sizeof(uint),
            ValueSize = sizeof(int),
            MaxEntries = (uint)queues,
        };
        Encoding.ASCII.GetBytes(name, new Span<byte>(argument.MapName, Bpf.BPF_OBJ_NAME_LEN - 1));
        return Open(Bpf.BPF_MAP_CREATE, ref argument);
    }

    /// <summary>Sets an entry of a map of numbers; returns 0 or the error number.</summary>
    public static int Update(SafeFileHandle map, uint key, int value)
    {
        var argument = new BpfAttr
        {
            MapFd = NumberOf(map),
            Key = (ulong)&key,
            Value = (ulong)&value,
        };
        return Libc.BpfCall(Bpf.BPF_MAP_UPDATE_ELEM, &argument) == 0 ? 0 : Errno.Last;
    }

    /// <summary>Has the kernel check and take an XDP program.</summary>
    /// <param name="instructions">As in struct bpf_insn.</param>
    /// <param name="name">At most 15 characters; shown by <c>bpftool</c>.</param>
    /// <param name="license">Which helpers it may call.</param>
    /// <param name="flags">BPF_F_XDP_HAS_FRAGS or nothing.</param>
    /// <param name="complaint">If the kernel refuses: the last lines of the verifier.</param>
    public static SafeFileHandle LoadProgram(
        ReadOnlySpan<ulong> instructions, string name, string license, uint flags, out string complaint)
    {
        complaint = "";
        byte[] licenseText = [.. Encoding.ASCII.GetBytes(license), 0];
        byte[] log = new byte[LogSize];
        fixed (ulong* code = instructions)
        fixed (byte* licenseStart = licenseText)
        fixed (byte* logStart = log)
        {
            var argument = new BpfAttr
            {
                ProgType = Bpf.BPF_PROG_TYPE_XDP,
                InsnCnt = (uint)instructions.Length,
                Insns = (ulong)code,
                License = (ulong)licenseStart,
                ProgFlags = flags,
                ExpectedAttachType = Bpf.BPF_XDP,
            };
            Encoding.ASCII.GetBytes(name, new Span<byte>(argument.ProgName, Bpf.BPF_OBJ_NAME_LEN - 1));
            SafeFileHandle program = Open(Bpf.BPF_PROG_LOAD, ref argument);
            if (!program.IsInvalid || Errno.Last is Errno.EPERM)
                return program;

            // The log costs time, so it is asked for only when there is something to tell.
            program.Dispose();
            argument.LogLevel = 1;
            argument.LogSize = LogSize;
            argument.LogBuf = (ulong)logStart;
            program = Open(Bpf.BPF_PROG_LOAD, ref argument);
            int error = Errno.Last;
            complaint = LastLines(Encoding.UTF8.GetString(log, 0, Math.Max(Array.IndexOf(log, (byte)0), 0)));
            System.Runtime.InteropServices.Marshal.SetLastPInvokeError(error);
            return program;
        }
    }

    /// <summary>Attaches a program to an interface until the handle is closed, however the process ends (Linux 5.9).</summary>
    public static SafeFileHandle CreateLink(SafeFileHandle program, int interfaceIndex, uint mode)
    {
        var argument = new BpfAttr
        {
            LinkProgram = NumberOf(program),
            LinkInterface = (uint)interfaceIndex,
            LinkType = Bpf.BPF_XDP,
            LinkFlags = mode,
        };
        return Open(Bpf.BPF_LINK_CREATE, ref argument);
    }

    /// <summary>Opens what is pinned in a file system of type bpf.</summary>
    public static SafeFileHandle OpenPinned(string path)
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(path), 0];
        fixed (byte* start = text)
        {
            var argument = new BpfAttr { Pathname = (ulong)start };
            return Open(Bpf.BPF_OBJ_GET, ref argument);
        }
    }

    /// <summary>Pins a program or a map; returns 0 or the error number.</summary>
    public static int Pin(SafeFileHandle subject, string path)
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(path), 0];
        fixed (byte* start = text)
        {
            var argument = new BpfAttr { Pathname = (ulong)start, BpfFd = NumberOf(subject) };
            return Libc.BpfCall(Bpf.BPF_OBJ_PIN, &argument) == 0 ? 0 : Errno.Last;
        }
    }

    /// <summary>Opens a program by its id.</summary>
    public static SafeFileHandle OpenProgram(uint id)
    {
        var argument = new BpfAttr { ProgId = id };
        return Open(Bpf.BPF_PROG_GET_FD_BY_ID, ref argument);
    }

    /// <summary>Opens a map by its id.</summary>
    public static SafeFileHandle OpenMap(uint id)
    {
        var argument = new BpfAttr { MapId = id };
        return Open(Bpf.BPF_MAP_GET_FD_BY_ID, ref argument);
    }

    /// <summary>What a program is, and the ids of its maps; false if the handle is no program.</summary>
    public static bool TryDescribe(SafeFileHandle program, out BpfProgInfo info, out uint[] maps)
    {
        const int MaxMaps = 64;
        uint* ids = stackalloc uint[MaxMaps];
        var filled = new BpfProgInfo { MapIds = (ulong)ids, NrMapIds = MaxMaps };
        bool described = TryDescribe(program, &filled, sizeof(BpfProgInfo)) && filled.MapIds == (ulong)ids;
        info = filled;
        maps = described ? new ReadOnlySpan<uint>(ids, (int)Math.Min(filled.NrMapIds, MaxMaps)).ToArray() : [];
        return described;
    }

    /// <summary>What a map is; false if the handle is no map.</summary>
    public static bool TryDescribe(SafeFileHandle map, out BpfMapInfo info)
    {
        BpfMapInfo filled = default;
        bool described = TryDescribe(map, &filled, sizeof(BpfMapInfo));
        info = filled;
        return described;
    }

    /// <summary>A name as the kernel keeps it.</summary>
    public static string TextOf(byte* name) =>
        Encoding.ASCII.GetString(new ReadOnlySpan<byte>(name, Bpf.BPF_OBJ_NAME_LEN)).TrimEnd('\0');

    private static bool TryDescribe(SafeFileHandle subject, void* info, int length)
    {
        var argument = new BpfAttr { InfoFd = NumberOf(subject), InfoLength = (uint)length, Info = (ulong)info };
        return Libc.BpfCall(Bpf.BPF_OBJ_GET_INFO_BY_FD, &argument) == 0;
    }

    private static SafeFileHandle Open(int command, ref BpfAttr argument)
    {
        fixed (BpfAttr* pointer = &argument)
            return new SafeFileHandle(Libc.BpfCall(command, pointer), ownsHandle: true);
    }

    private static uint NumberOf(SafeFileHandle handle) => (uint)handle.DangerousGetHandle();

    private static string LastLines(string log)
    {
        string[] lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return string.Join("; ", lines.Where(line => !line.StartsWith("processed ", StringComparison.Ordinal)).TakeLast(3));
    }
}
