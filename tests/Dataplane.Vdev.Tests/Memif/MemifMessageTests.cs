using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Vdev.Memif;

namespace Dataplane.Vdev.Tests.Memif;

public sealed class MemifMessageTests
{
    [Fact]
    public void Every_field_is_where_memif_h_has_it()
    {
        Assert.Equal(128, Unsafe.SizeOf<MemifMessage>());
        Assert.Equal(43, Unsafe.SizeOf<MemifHello>());
        Assert.Equal(63, Unsafe.SizeOf<MemifInit>());
        Assert.Equal(10, Unsafe.SizeOf<MemifAddRegion>());
        Assert.Equal(13, Unsafe.SizeOf<MemifAddRing>());
        Assert.Equal(100, Unsafe.SizeOf<MemifDisconnect>());
        Assert.Equal(16, Unsafe.SizeOf<MemifDescriptor>());

        var message = new MemifMessage { Type = MemifMessageType.AddRing };
        message.AddRing = new MemifAddRing { Flags = 1, Index = 2, Region = 3, Offset = 4, Log2RingSize = 5, PrivateHeaderSize = 6 };
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<MemifMessage>(ref message));
        Assert.Equal("050001000200030004000000050600", Convert.ToHexStringLower(bytes[..15]));

        message = new MemifMessage { Type = MemifMessageType.Init };
        message.Init = new MemifInit { Version = MemifNumbers.Version, Id = 7, Mode = 1 };
        MemifText.Write(message.Init.Secret, "s");
        MemifText.Write(message.Init.Name, "n");
        Assert.Equal("0300000207000000" + "01" + "73", Convert.ToHexStringLower(bytes[..10]));
        Assert.Equal((byte)'n', bytes[33]);

        message = new MemifMessage { Type = MemifMessageType.Hello };
        message.Hello = new MemifHello { MinVersion = 1, MaxVersion = 2, MaxRegion = 3, MaxS2cRing = 4, MaxC2sRing = 5, MaxLog2RingSize = 6 };
        Assert.Equal("010002000300040005" + "0006", Convert.ToHexStringLower(bytes[34..45]));

        message = new MemifMessage { Type = MemifMessageType.AddRegion };
        message.AddRegion = new MemifAddRegion { Index = 1, Size = 0x0102030405060708 };
        Assert.Equal(0x0102030405060708UL, BinaryPrimitives.ReadUInt64LittleEndian(bytes[4..]));

        message = new MemifMessage { Type = MemifMessageType.Disconnect };
        message.Disconnect.Code = 9;
        MemifText.Write(message.Disconnect.Reason, "why");
        Assert.Equal("0800" + "09000000" + "776879", Convert.ToHexStringLower(bytes[..9]));
    }

    [Fact]
    public void Text_ends_with_a_zero_byte_and_what_cannot_be_printed_is_not()
    {
        Span<byte> field = stackalloc byte[8];
        MemifText.Write(field, "much too long");
        Assert.Equal("much to", MemifText.Read(field));
        Assert.Equal(0, field[7]);
        field.Fill((byte)'x');
        field[1] = 0x1B;
        Assert.Equal("x?xxxxxx", MemifText.Read(field));
        field.Clear();
        Assert.Equal("", MemifText.Read(field));
    }
}
