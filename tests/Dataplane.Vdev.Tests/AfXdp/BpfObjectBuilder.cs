using System.Text;
using Dataplane.Linux;
using Dataplane.Vdev.AfXdp;

namespace Dataplane.Vdev.Tests.AfXdp;

/// <summary>Writes an object file as clang does, with a program that removes 4 bytes and redirects to its map of sockets.</summary>
internal sealed class BpfObjectBuilder
{
    private const int HeaderSize = 64;
    private readonly List<(string Name, uint Type, byte[] Content, uint Link, uint Info)> _sections = [];

    public string Section { get; init; } = "xdp";

    public string MapName { get; init; } = "xsks_map";

    public uint MapType { get; init; } = Bpf.BPF_MAP_TYPE_XSKMAP;

    public ushort Machine { get; init; } = 247;

    public bool UsesUnsetRegister { get; init; }

    public byte[] Build()
    {
        const uint Code = 1, Symbols = 2, Strings = 3, Relocation = 9;
        byte[] code = [.. Program().SelectMany(BitConverter.GetBytes)];
        byte[] names = [0, .. Text("steer"), .. Text(MapName)];
        const int Function = 1, Map = 4, ProgramSection = 1, MapSection = 3;
        byte[] symbols =
        [
            .. new byte[24],
            .. Symbol(1, Function: 0x12, ProgramSection, (ulong)code.Length),
            .. Symbol(1 + "steer".Length + 1, 0x11, MapSection, 20),
        ];
        _sections.Clear();
        _sections.Add(("", 0, [], 0, 0));
        _sections.Add((Section, Code, code, 0, 0));
        // The instruction that loads the map, the symbol 2, R_BPF_64_64.
        byte[] relocation = [.. BitConverter.GetBytes((ulong)(Map * 8)), .. BitConverter.GetBytes((2UL << 32) | 1)];
        _sections.Add((".rel" + Section, Relocation, relocation, 5, ProgramSection));
        _sections.Add(("maps", Code, [.. new[] { MapType, 4u, 4u, 64u, 0u }.SelectMany(BitConverter.GetBytes)], 0, 0));
        _sections.Add(("license", Code, Text("GPL"), 0, 0));
        _sections.Add((".symtab", Symbols, symbols, 6, Function));
        _sections.Add((".strtab", Strings, names, 0, 0));
        _sections.Add((".shstrtab", Strings, [], 0, 0));
        return Assemble();
    }

    private static byte[] Text(string text) => [.. Encoding.ASCII.GetBytes(text), 0];

    private static byte[] Symbol(int name, byte Function, ushort section, ulong size) =>
    [
        .. BitConverter.GetBytes(name), Function, 0, .. BitConverter.GetBytes(section),
        .. BitConverter.GetBytes(0UL), .. BitConverter.GetBytes(size),
    ];

    private ulong[] Program() =>
    [
        XdpProgram.Instruction(0xBF, to: 6, from: UsesUnsetRegister ? 9 : 1),
        XdpProgram.Instruction(0xB7, to: 2, value: 4),
        // bpf_xdp_adjust_head(ctx, 4)
        XdpProgram.Instruction(0x85, value: 44),
        XdpProgram.Instruction(0x61, to: 2, from: 6, offset: 16),
        XdpProgram.Instruction(0x18, to: 1),
        0,
        XdpProgram.Instruction(0xB7, to: 3, value: Bpf.XDP_PASS),
        XdpProgram.Instruction(0x85, value: Bpf.BPF_FUNC_redirect_map),
        XdpProgram.Instruction(0x95),
    ];

    private byte[] Assemble()
    {
        var names = new List<byte>();
        int[] nameOffsets = [.. _sections.Select(section =>
        {
            int offset = names.Count;
            names.AddRange(Text(section.Name));
            return offset;
        })];
        _sections[^1] = _sections[^1] with { Content = [.. names] };
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write(new byte[HeaderSize]);
        var offsets = new List<long>();
        foreach ((string _, uint _, byte[] content, uint _, uint _) in _sections)
        {
            offsets.Add(file.Position);
            writer.Write(content);
            writer.Write(new byte[(8 - (content.Length % 8)) % 8]);
        }

        long table = file.Position;
        for (int i = 0; i < _sections.Count; i++)
        {
            (string _, uint type, byte[] content, uint link, uint info) = _sections[i];
            writer.Write(nameOffsets[i]);
            writer.Write(type);
            writer.Write(0UL);
            writer.Write(0UL);
            writer.Write(offsets[i]);
            writer.Write((long)content.Length);
            writer.Write(link);
            writer.Write(info);
            writer.Write(8UL);
            writer.Write(0UL);
        }

        file.Position = 0;
        writer.Write([0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write((ushort)1);
        writer.Write(Machine);
        writer.Write(1);
        file.Position = 40;
        writer.Write(table);
        file.Position = 52;
        writer.Write((ushort)HeaderSize);
        file.Position = 58;
        writer.Write((ushort)64);
        writer.Write((ushort)_sections.Count);
        writer.Write((ushort)(_sections.Count - 1));
        return file.ToArray();
    }
}
