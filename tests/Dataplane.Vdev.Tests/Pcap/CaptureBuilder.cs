using System.Buffers.Binary;

namespace Dataplane.Vdev.Tests.Pcap;

/// <summary>Puts captures together word by word, in either byte order, so that tests can break every rule.</summary>
internal sealed class CaptureBuilder(bool bigEndian = false)
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public CaptureBuilder U16(params ReadOnlySpan<ushort> values)
    {
        Span<byte> bytes = stackalloc byte[2];
        foreach (ushort value in values)
        {
            if (bigEndian)
                BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
            else
                BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
            _bytes.AddRange(bytes);
        }

        return this;
    }

    public CaptureBuilder U32(params ReadOnlySpan<uint> values)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (uint value in values)
        {
            if (bigEndian)
                BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
            else
                BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
            _bytes.AddRange(bytes);
        }

        return this;
    }

    public CaptureBuilder Bytes(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public CaptureBuilder Zeros(int count) => Bytes(new byte[count]);

    public CaptureBuilder PcapHeader(
        uint magic = 0xA1B2C3D4, ushort version = 2, uint snapLength = 65535, uint linkType = 1) =>
        U32(magic).U16(version, 4).U32(0, 0, snapLength, linkType);

    public CaptureBuilder PcapRecord(uint seconds, uint fraction, ReadOnlySpan<byte> data) =>
        U32(seconds, fraction, (uint)data.Length, (uint)data.Length).Bytes(data);

    /// <summary>A block of pcapng; the body is padded to 32 bits.</summary>
    public CaptureBuilder Block(uint type, Action<CaptureBuilder> body)
    {
        var content = new CaptureBuilder(bigEndian);
        body(content);
        content.Zeros((int)(-content._bytes.Count & 3));
        uint length = (uint)content._bytes.Count + 12;
        return U32(type, length).Bytes(content.ToArray()).U32(length);
    }

    public CaptureBuilder Section() =>
        Block(0x0A0D0D0A, b => b.U32(0x1A2B3C4D).U16(1, 0).U32(uint.MaxValue, uint.MaxValue));

    public CaptureBuilder Interface(ushort linkType = 1, uint snapLength = 0, byte? resolution = null) =>
        Block(1, b =>
        {
            b.U16(linkType, 0).U32(snapLength);
            if (resolution is { } value)
                b.U16(9, 1).Bytes([value, 0, 0, 0]).U16(0, 0);
        });

    public CaptureBuilder EnhancedPacket(uint source, ulong ticks, byte[] data) => Block(6, b => b
        .U32(source, (uint)(ticks >> 32), (uint)ticks, (uint)data.Length, (uint)data.Length).Bytes(data));

    public CaptureBuilder ObsoletePacket(ushort source, ulong ticks, byte[] data) => Block(2, b => b
        .U16(source, 7).U32((uint)(ticks >> 32), (uint)ticks, (uint)data.Length, (uint)data.Length).Bytes(data));

    public CaptureBuilder SimplePacket(byte[] data, int originalLength) => Block(3, b => b
        .U32((uint)originalLength).Bytes(data));
}
