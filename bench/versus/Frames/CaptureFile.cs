using System.Buffers.Binary;

namespace Versus.Frames;

/// <summary>Capture files in the classic format (pcap-savefile(5)), little-endian.</summary>
internal static class CaptureFile
{
    private const uint MicrosecondMagic = 0xA1B2C3D4;
    private const uint NanosecondMagic = 0xA1B23C4D;
    private const int FileHeader = 24;
    private const int RecordHeader = 16;

    /// <summary>Writes frames, a microsecond apart.</summary>
    public static void Write(string path, IEnumerable<byte[]> frames)
    {
        using FileStream file = File.Create(path);
        const uint versions = 2 | (4 << 16);
        const uint snapLength = 65535;
        const uint ethernet = 1;
        WriteWords(file, MicrosecondMagic, versions, 0, 0, snapLength, ethernet);
        uint microseconds = 0;
        foreach (byte[] frame in frames)
        {
            WriteWords(file, 0, microseconds++, (uint)frame.Length, (uint)frame.Length);
            file.Write(frame);
        }
    }

    /// <summary>Reads all frames.</summary>
    public static IReadOnlyList<byte[]> Read(string path)
    {
        ReadOnlySpan<byte> rest = File.ReadAllBytes(path);
        if (rest.Length < FileHeader || BinaryPrimitives.ReadUInt32LittleEndian(rest) is not (MicrosecondMagic or NanosecondMagic))
            throw new InvalidDataException($"{path} is no little-endian pcap file");
        var frames = new List<byte[]>();
        for (rest = rest[FileHeader..]; !rest.IsEmpty;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[8..]);
            frames.Add(rest.Slice(RecordHeader, length).ToArray());
            rest = rest[(RecordHeader + length)..];
        }

        return frames;
    }

    private static void WriteWords(FileStream file, params ReadOnlySpan<uint> words)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        foreach (uint word in words)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, word);
            file.Write(bytes);
        }
    }
}
