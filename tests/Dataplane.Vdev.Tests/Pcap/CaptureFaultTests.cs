using Dataplane.Testing;
using Dataplane.Vdev.Pcap.Capture;

namespace Dataplane.Vdev.Tests.Pcap;

/// <summary>What is said of files that are no captures, or break the rules of their format.</summary>
public sealed class CaptureFaultTests : IDisposable
{
    private readonly CaptureFixture _captures = new();

    public void Dispose() => _captures.Dispose();

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.StartsWith(
            $"Cannot open the capture '{_captures.PathOf("none")}': Could not find file", Fault(_captures.PathOf("none")));

    [Fact]
    public void A_directory_is_called_one() =>
        Assert.Equal(
            $"Cannot open the capture '{_captures.PathOf(".")}': it is a directory", Fault(_captures.PathOf(".")));

    [Fact]
    public void A_file_that_the_system_does_not_let_us_read_is_a_sentence() =>
        Assert.Matches("^Cannot (open|read) the capture '/proc/self/mem': ", Fault("/proc/self/mem"));

    [Fact]
    public void An_empty_file_is_called_empty() => Expect(new(), "The capture '{0}' is empty");

    [Fact]
    public void A_file_that_ends_in_its_header_is_told() =>
        Expect(
            new CaptureBuilder().U32(0xA1B2C3D4, 0),
            "Cannot read the capture '{0}': at byte 0 it ends after 8 bytes, in the middle of its file header");

    [Fact]
    public void A_pcapng_file_that_ends_in_its_header_is_told() =>
        Expect(
            new CaptureBuilder().U32(0x0A0D0D0A),
            "Cannot read the capture '{0}': at byte 0 it ends after 4 bytes, in the middle of its file header");

    [Fact]
    public void An_unknown_magic_is_shown() =>
        Expect(
            new CaptureBuilder().U32(0xDEADBEEF),
            "at byte 0 it has 0xdeadbeef, which neither pcap nor pcapng files start with; " +
            "if it is a capture of another format: editcap -F pcap IN OUT");

    [Fact]
    public void A_compressed_file_is_recognised() =>
        Expect(new CaptureBuilder().Bytes([0x1F, 0x8B, 8, 0]), "; it is compressed: gunzip it first");

    [Theory]
    [InlineData(113, "113 (Linux cooked)", "; capture on one interface, such as tcpdump -i eth0, rather than on 'any'")]
    [InlineData(101, "101 (raw IP)", "")]
    [InlineData(147, "147", "")]
    public void A_link_type_that_is_not_Ethernet_is_named(uint linkType, string name, string remedy)
    {
        string expected = $"it declares link type {name}, and only Ethernet (1) can be received{remedy}";
        Expect(new CaptureBuilder().PcapHeader(linkType: linkType), "at byte 0 " + expected);
        Expect(
            new CaptureBuilder().Section().Interface((ushort)linkType).EnhancedPacket(0, 0, new byte[60]),
            "at byte 48 " + expected);
    }

    [Fact]
    public void A_version_of_the_future_is_refused() =>
        Expect(
            new CaptureBuilder().PcapHeader(version: 3),
            "it has version 3.4 of the pcap format, and only 2.4 is known");

    [Fact]
    public void A_frame_that_claims_more_than_any_frame_has_is_refused_before_it_is_read() =>
        Expect(
            new CaptureBuilder().PcapHeader().U32(0, 0, 4_000_000_000, 60),
            "at byte 24 a frame claims 4000000000 captured bytes, and no frame has more than 262144");

    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    [InlineData(30u)]
    [InlineData(0x0400_0004u)]
    [InlineData(uint.MaxValue)]
    public void A_block_of_an_impossible_length_is_refused(uint length) =>
        Expect(new CaptureBuilder().Section().U32(5, length),
            $"at byte 28 a block of type 5 claims {length} bytes, which is not a multiple of 4 from 12 to 67108864");

    [Fact]
    public void A_block_whose_two_lengths_differ_is_refused() =>
        Expect(
            new CaptureBuilder().Section().U32(5, 16, 0, 20),
            "at byte 40 a block ends with the length 20, but it started with 16");

    [Fact]
    public void A_packet_longer_than_its_block_is_refused() => Expect(
        new CaptureBuilder().Section().Interface().Block(6, b => b.U32(0, 0, 0, 61, 61).Zeros(60)),
        "at byte 48 a packet block of 92 bytes claims 61 captured bytes, which it has no room for");

    [Fact]
    public void A_simple_packet_longer_than_its_block_is_refused() => Expect(
        new CaptureBuilder().Section().Interface().SimplePacket(new byte[60], 61),
            "must have 61 captured bytes, which it has no room for");

    [Fact]
    public void A_packet_of_an_interface_that_is_not_described_is_refused() =>
        Expect(
            new CaptureBuilder().Section().Interface().EnhancedPacket(1, 0, new byte[60]),
            "a packet names interface 1, but its section has described 1");

    [Fact]
    public void A_wrong_byte_order_mark_is_shown() =>
        Expect(
            new CaptureBuilder().U32(0x0A0D0D0A, 28, 0x12345678).Zeros(16),
            "a section header has the byte-order mark 0x12345678 instead of 0x1a2b3c4d");

    [Fact]
    public void Timestamps_too_fine_to_count_are_refused() =>
        Expect(
            new CaptureBuilder().Section().Interface(resolution: 20),
            "an interface has timestamps of 10^-20 s, finer than 64 bits can count");

    [Fact]
    public void An_option_longer_than_its_block_is_refused() => Expect(
        new CaptureBuilder().Section().Block(1, b => b.U16(1, 0).U32(0).U16(9, 100)),
        "an interface description has an option of 100 bytes, which it has no room for");

    [Fact]
    public void Interfaces_without_end_are_refused()
    {
        var builder = new CaptureBuilder().Section();
        for (int i = 0; i <= 65536; i++)
            builder.Interface();
        Expect(builder, "a section describes more than 65536 interfaces");
    }

    /// <summary>Seeded, so that a failure is found again: bytes and words of good files are changed at random.</summary>
    [Fact]
    public void Whatever_a_damaged_file_holds_only_a_sentence_comes_out()
    {
        string pcapng = _captures.PathOf("pcapng");
        Shell.Run("editcap", "-F", "pcapng", CaptureFixture.Mixed, pcapng);
        byte[][] seeds =
        [
            File.ReadAllBytes(CaptureFixture.Mixed).AsSpan(0, 6000).ToArray(),
            File.ReadAllBytes(pcapng).AsSpan(0, 6000).ToArray(),
            new CaptureBuilder(bigEndian: true).Section().Interface(resolution: 9).EnhancedPacket(0, 1, new byte[60])
                .ObsoletePacket(0, 2, new byte[99]).SimplePacket(new byte[70], 70).Block(5, b => b.Zeros(20)).ToArray(),
        ];
        uint[] interesting =
            [0, 1, 3, 4, 11, 12, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFFC, 262_144, 262_145, 1 << 26];
        var random = new Random(20_26);
        int faults = 0;
        for (int round = 0; round < 3000; round++)
        {
            byte[] file = [.. seeds[round % seeds.Length]];
            for (int changes = random.Next(1, 6); changes > 0; changes--)
            {
                int at = random.Next(random.Next(2) == 0 ? Math.Min(200, file.Length - 4) : file.Length - 4);
                if (random.Next(2) == 0)
                    file[at] = (byte)random.Next(256);
                else
                    BitConverter.TryWriteBytes(file.AsSpan(at & ~3), interesting[random.Next(interesting.Length)]);
            }

            int length = random.Next(4) == 0 ? random.Next(file.Length) : file.Length;
            string path = _captures.Write("mutant", file.AsSpan(0, length));
            try
            {
                Assert.All(CaptureFixture.Read(path), frame => Assert.True(frame.Data.Length <= file.Length));
            }
            catch (DataplaneException fault)
            {
                faults++;
                Assert.Contains($"the capture '{path}'", fault.Message, StringComparison.OrdinalIgnoreCase);
            }
        }

        Assert.InRange(faults, 500, 2900);
    }

    private static string Fault(string path) =>
        Assert.Throws<DataplaneException>(() => CaptureFixture.Read(path)).Message;

    private void Expect(CaptureBuilder file, string text)
    {
        string path = _captures.Write("bad", file.ToArray());
        Assert.Contains(string.Format(null, text, path), Fault(path));
    }
}
