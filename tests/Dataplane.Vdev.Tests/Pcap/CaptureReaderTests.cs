using Dataplane.Testing;
using Dataplane.Vdev.Pcap.Capture;

namespace Dataplane.Vdev.Tests.Pcap;

public sealed class CaptureReaderTests : IDisposable
{
    private static readonly byte[] s_first = [.. Enumerable.Range(0, 61).Select(i => (byte)i)];
    private static readonly byte[] s_second = [.. Enumerable.Range(0, 1514).Select(i => (byte)(i * 7))];

    private readonly CaptureFixture _captures = new();

    public void Dispose() => _captures.Dispose();

    [Theory]
    [InlineData("pcap")]
    [InlineData("nsecpcap")]
    [InlineData("pcapng")]
    [InlineData("modpcap", true)]
    public void Files_of_editcap_are_read_as_tcpdump_reads_them(string format, bool isUnknown = false)
    {
        string path = _captures.PathOf("converted");
        Shell.Run("editcap", "-F", format, CaptureFixture.Mixed, path);

        if (isUnknown)
        {
            string message = Assert.Throws<DataplaneException>(() => CaptureFixture.Read(path)).Message;
            Assert.Contains("editcap -F pcap IN OUT", message);
            return;
        }

        List<Frame> frames = CaptureFixture.Read(path, out string? cutOff);
        Assert.Null(cutOff);
        Assert.Equal(88, frames.Count);
        CaptureFixture.AssertSame(_captures.ReadWithTcpdump(path), frames);
    }

    [Fact]
    public void Several_interfaces_and_sections_as_mergecap_writes_them_are_read()
    {
        string first = _captures.PathOf("first");
        string second = _captures.PathOf("second");
        string merged = _captures.PathOf("merged");
        Shell.Run("editcap", "-F", "nsecpcap", CaptureFixture.Mixed, first);
        Shell.Run("editcap", "-t", "0.000000123", CaptureFixture.Mixed, second);
        Shell.Run("mergecap", "-F", "pcapng", "-w", merged, first, second);

        CaptureFixture.AssertSame(_captures.ReadWithTcpdump(merged), CaptureFixture.Read(merged));
    }

    [Theory]
    [InlineData(false, 0xA1B2C3D4, 1000)]
    [InlineData(true, 0xA1B2C3D4, 1000)]
    [InlineData(false, 0xA1B23C4D, 1)]
    [InlineData(true, 0xA1B23C4D, 1)]
    public void Pcap_is_read_in_both_byte_orders_and_units(bool bigEndian, uint magic, int unit)
    {
        string path = _captures.Write("built", new CaptureBuilder(bigEndian)
            .PcapHeader(magic).PcapRecord(0xF000_0001, 999_999, s_first).PcapRecord(2, 5, s_second).ToArray());

        List<Frame> frames = CaptureFixture.Read(path);

        CaptureFixture.AssertSame(
            [
                new(s_first, (0xF000_0001L * 1_000_000_000) + (999_999L * unit), 61),
                new(s_second, 2_000_000_000 + (5L * unit), 1514),
            ],
            frames);
        CaptureFixture.AssertSame(_captures.ReadWithTcpdump(path), frames);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_kind_of_packet_block_is_read_and_others_are_passed_over(bool bigEndian)
    {
        string path = _captures.Write("built", new CaptureBuilder(bigEndian)
            .Section()
            .Block(4, b => b.Zeros(40_000))
            .Interface(resolution: 9)
            .Interface(linkType: 113)
            .Interface(snapLength: 40, resolution: 0x80 | 10)
            .EnhancedPacket(0, 1_234_567_890_123_456_789, s_first)
            .Block(0x0BAD, b => b.Zeros(600_000))
            .EnhancedPacket(2, 1024 + 512, s_second)
            .ObsoletePacket(0, 77, s_first)
            .SimplePacket(s_second, 1514)
            .ToArray());

        CaptureFixture.AssertSame(
            [
                new(s_first, 1_234_567_890_123_456_789, 61),
                new(s_second, 1_500_000_000, 1514),
                new(s_first, 77, 61),
                new(s_second, 0, 1514),
            ],
            CaptureFixture.Read(path));
    }

    [Fact]
    public void Each_section_has_its_own_byte_order_and_interfaces()
    {
        byte[] big = new CaptureBuilder(bigEndian: true).Section().Interface().EnhancedPacket(0, 3, s_second).ToArray();
        string path = _captures.Write("built", new CaptureBuilder()
            .Section().Interface(resolution: 9).Interface(resolution: 9).EnhancedPacket(1, 3, s_first)
            .Bytes(big).ToArray());

        CaptureFixture.AssertSame([new(s_first, 3, 61), new(s_second, 3000, 1514)], CaptureFixture.Read(path));
    }

    [Fact]
    public void A_simple_packet_has_what_the_snap_length_left_of_it()
    {
        string path = _captures.Write("built", new CaptureBuilder()
            .Section().Interface(snapLength: 30).SimplePacket(s_first[..30], 61).ToArray());

        CaptureFixture.AssertSame([new(s_first[..30], 0, 61)], CaptureFixture.Read(path));
    }

    [Fact]
    public void A_capture_larger_than_any_buffer_is_read_with_bounded_memory()
    {
        byte[] jumbo = new byte[CaptureFormats.MaxFrameLength];
        var builder = new CaptureBuilder().PcapHeader(snapLength: CaptureFormats.MaxFrameLength);
        for (uint i = 0; i < 64; i++)
            builder.PcapRecord(i, 0, jumbo.AsSpan(0, jumbo.Length - (int)i)).PcapRecord(i, 1, s_first);
        string path = _captures.Write("large", builder.ToArray());

        List<Frame> frames = CaptureFixture.Read(path);

        Assert.Equal(128, frames.Count);
        Assert.All(frames.Where((_, i) => i % 2 == 1), f => Assert.Equal(s_first, f.Data));
        Assert.Equal(
            Enumerable.Range(0, 64).Select(i => jumbo.Length - i),
            frames.Where((_, i) => i % 2 == 0).Select(f => f.Data.Length));
    }

    [Fact]
    public void Of_a_capture_that_breaks_off_the_whole_packets_are_read_and_the_end_is_told()
    {
        byte[] whole = new CaptureBuilder().PcapHeader().PcapRecord(1, 0, s_first).PcapRecord(2, 0, s_second).ToArray();
        int end = 24 + 16 + s_first.Length;
        for (int length = end; length < whole.Length; length += 37)
        {
            string path = _captures.Write("cut", whole.AsSpan(0, length));

            Assert.Equal(s_first, Assert.Single(CaptureFixture.Read(path, out string? cutOff)).Data);

            if (length == end)
                Assert.Null(cutOff);
            else
            {
                Assert.Equal(
                    $"The capture '{path}' breaks off at byte {length}, in the middle of a record; " +
                    "all packets before it were taken",
                    cutOff);
            }
        }
    }

    [Fact]
    public void Of_a_pcapng_capture_that_breaks_off_the_whole_packets_are_read_and_the_end_is_told()
    {
        byte[] start = new CaptureBuilder().Section().Interface().EnhancedPacket(0, 1, s_first).ToArray();
        byte[] whole = [.. start, .. new CaptureBuilder().EnhancedPacket(0, 2, s_second).ToArray()];
        for (int length = start.Length + 1; length < whole.Length - 6; length += 41)
        {
            string path = _captures.Write("cut", whole.AsSpan(0, length));
            Assert.Equal(s_first, Assert.Single(CaptureFixture.Read(path, out string? cutOff)).Data);
            Assert.Contains($"breaks off at byte {length}", cutOff);
        }
    }
}
