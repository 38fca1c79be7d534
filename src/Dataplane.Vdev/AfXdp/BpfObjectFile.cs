using System.Runtime.InteropServices;
using System.Text;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// An XDP program in an object file as clang makes it: one function in a section <c>xdp</c> (or <c>xdp/...</c>,
/// <c>xdp.frags</c>, else <c>.text</c>) whose only map is <c>xsks_map</c>. Anything more needs a loader of its own, which
/// pins the program.
/// </summary>
/// <remarks>ELF-64 of the System V ABI, chapters 4 and 5; relocations of Documentation/bpf/llvm_reloc.rst.</remarks>
internal sealed class BpfObjectFile
{
    private const int MaxLength = 16 << 20;
    private const ushort MachineBpf = 247;
    private const uint ProgramBits = 1;
    private const uint SymbolTable = 2;
    private const uint Relocations = 9;
    private const int FunctionSymbol = 2;
    private const uint MapRelocation = 1;
    private const int InstructionSize = sizeof(ulong);

    private readonly byte[] _file;
    private readonly List<Section> _sections = [];
    private readonly List<Symbol> _symbols = [];
    private readonly Section _program;
    private readonly Symbol _function;
    private readonly ulong[] _code;
    private readonly List<int> _mapLoads = [];

    private BpfObjectFile(byte[] file)
    {
        _file = file;
        ReadSections();
        ReadSymbols();
        _program = FindProgram();
        int index = _sections.IndexOf(_program);
        _function = _symbols.Where(symbol => symbol.IsFunction && symbol.Section == index).OrderBy(symbol => symbol.Value).FirstOrDefault()
            ?? throw new FormatException($"its section {_program.Name} has no function");
        if (_function.Size is 0 or > int.MaxValue || _function.Size % InstructionSize != 0)
            throw new FormatException($"its function {_function.Name} has no length in whole instructions");
        int start = (int)Math.Min(_function.Value, int.MaxValue);
        _code = MemoryMarshal.Cast<byte, ulong>(Contents(_program).Slice(start, (int)_function.Size)).ToArray();
        License = _sections.Find(section => section.Name == "license") is { } license
            ? Encoding.ASCII.GetString(Contents(license)).TrimEnd('\0')
            : "";
        foreach (Section relocations in _sections.Where(section => section.Type == Relocations && section.Info == index))
            ReadRelocations(relocations);
        if (_mapLoads.Count == 0)
            throw new FormatException($"its function {_function.Name} does not use a map {SocketMap.Name}");
    }

    /// <summary>The function's name, as far as the kernel keeps it.</summary>
    public string Name => _function.Name[..Math.Min(_function.Name.Length, Bpf.BPF_OBJ_NAME_LEN - 1)];

    /// <summary>What the file says of its license.</summary>
    public string License { get; }

    /// <summary>BPF_F_XDP_HAS_FRAGS, if the section's name says so, or nothing.</summary>
    public uint Flags => _program.Name.StartsWith("xdp.frags", StringComparison.Ordinal) ? Bpf.BPF_F_XDP_HAS_FRAGS : 0;

    /// <summary>Entries of the map, where the file says it in the old way (a section <c>maps</c>); else 0.</summary>
    public int MapEntries { get; private set; }

    /// <summary>Reads a file.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="path">The file.</param>
    public static BpfObjectFile Read(string device, string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxLength)
                throw new FormatException($"it is longer than {MaxLength >> 20} MiB");
            return new BpfObjectFile(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataplaneException($"{device} cannot read the XDP program {path}: {e.Message.TrimEnd('.')}", null, e);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            string reason = e is FormatException ? e.Message : "it is damaged";
            throw new DataplaneException(
                $"{device} cannot use the XDP program {path}: {reason}",
                "load and pin it with 'bpftool prog load FILE /sys/fs/bpf/NAME type xdp', and give that path to xdp_prog",
                e);
        }
    }

    /// <summary>The instructions, with the map's descriptor in its place.</summary>
    public ulong[] Link(SafeFileHandle map)
    {
        ulong[] code = [.. _code];
        foreach (int load in _mapLoads)
        {
            // The registers stay, their upper four bits say what the value is.
            const ulong Code = 0x0FFF;
            code[load] = (code[load] & Code)
                | (Bpf.BPF_PSEUDO_MAP_FD << 12)
                | ((ulong)(uint)map.DangerousGetHandle() << 32);
            code[load + 1] = 0;
        }

        return code;
    }

    private Section FindProgram() =>
        _sections.Find(section => IsCode(section) && section.Name.StartsWith("xdp", StringComparison.Ordinal))
        ?? _sections.Find(section => IsCode(section) && section.Name == ".text")
        ?? throw new FormatException("it has no section xdp");

    private static bool IsCode(Section section) => section is { Type: ProgramBits, Size: > 0 };

    private void ReadSections()
    {
        ReadOnlySpan<byte> file = _file;
        // Magic number, 64 bits, little endian, version 1.
        if (!file.StartsWith("\u007FELF\u0002\u0001\u0001"u8) || Read<ushort>(file, 18) != MachineBpf)
            throw new FormatException("it is no object file of eBPF (ELF, 64 bits, little endian)");
        int table = (int)Math.Min(Read<ulong>(file, 40), int.MaxValue);
        int size = Read<ushort>(file, 58), count = Read<ushort>(file, 60), names = Read<ushort>(file, 62);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> header = file[table..].Slice(i * size, size);
            _sections.Add(new Section(
                Read<uint>(header, 0), Read<uint>(header, 4), Read<ulong>(header, 24), Read<ulong>(header, 32), Read<uint>(header, 40), Read<uint>(header, 44)));
        }

        if (names >= count)
            throw new FormatException("its sections have no names");
        ReadOnlySpan<byte> texts = Contents(_sections[names]);
        foreach (Section section in _sections)
            section.Name = TextAt(texts, section.NameOffset);
    }

    private void ReadSymbols()
    {
        const int EntrySize = 24;
        Section table = _sections.Find(section => section.Type == SymbolTable && section.Link < _sections.Count)
            ?? throw new FormatException("it has no symbols");
        ReadOnlySpan<byte> entries = Contents(table);
        ReadOnlySpan<byte> names = Contents(_sections[(int)table.Link]);
        for (; entries.Length >= EntrySize; entries = entries[EntrySize..])
        {
            _symbols.Add(new Symbol(
                TextAt(names, Read<uint>(entries, 0)),
                (entries[4] & 0xF) == FunctionSymbol,
                Read<ushort>(entries, 6),
                Read<ulong>(entries, 8),
                Read<ulong>(entries, 16)));
        }
    }

    private void ReadRelocations(Section section)
    {
        const int EntrySize = 16;
        for (ReadOnlySpan<byte> entries = Contents(section); entries.Length >= EntrySize; entries = entries[EntrySize..])
        {
            ulong offset = Read<ulong>(entries, 0) - _function.Value;
            if (offset >= _function.Size)
                continue;
            int index = (int)Math.Min(Read<uint>(entries, 12), int.MaxValue);
            Symbol symbol = index < _symbols.Count ? _symbols[index] : throw new FormatException("it refers to a symbol that it does not have");
            if (Read<uint>(entries, 8) != MapRelocation || symbol.Name != SocketMap.Name)
            {
                throw new FormatException(
                    $"its function {_function.Name} uses '{symbol.Name}', and {SocketMap.Name} is all that can be loaded with it");
            }

            int load = (int)(offset / InstructionSize);
            if ((load + 2) * InstructionSize > (int)_function.Size)
                throw new FormatException("it refers to a map where no instruction is");
            _mapLoads.Add(load);
            ReadMap(symbol);
        }
    }

    /// <summary>A map in the old way: type, size of keys, size of values, entries, flags.</summary>
    private void ReadMap(Symbol symbol)
    {
        const int OffsetOfEntries = 12;
        if (symbol.Section >= _sections.Count || _sections[symbol.Section].Name != "maps")
            return;
        ReadOnlySpan<byte> map = Contents(_sections[symbol.Section])[(int)Math.Min(symbol.Value, int.MaxValue)..];
        if (Read<uint>(map, 0) != Bpf.BPF_MAP_TYPE_XSKMAP)
            throw new FormatException($"its {SocketMap.Name} is no map of AF_XDP sockets (XSKMAP)");
        MapEntries = (int)Math.Min(Read<uint>(map, OffsetOfEntries), ushort.MaxValue);
    }

    private ReadOnlySpan<byte> Contents(Section section) =>
        section.Offset <= (ulong)_file.Length && section.Size <= (ulong)_file.Length - section.Offset
            ? _file.AsSpan((int)section.Offset, (int)section.Size)
            : throw new FormatException("it breaks off");

    private static string TextAt(ReadOnlySpan<byte> texts, uint offset)
    {
        ReadOnlySpan<byte> text = texts[(int)Math.Min(offset, int.MaxValue)..];
        int end = text.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? text : text[..end]);
    }

    private static T Read<T>(ReadOnlySpan<byte> data, int offset)
        where T : unmanaged => MemoryMarshal.Read<T>(data[offset..]);

    private sealed record Section(uint NameOffset, uint Type, ulong Offset, ulong Size, uint Link, uint Info)
    {
        public string Name { get; set; } = "";
    }

    private sealed record Symbol(string Name, bool IsFunction, int Section, ulong Value, ulong Size);
}
