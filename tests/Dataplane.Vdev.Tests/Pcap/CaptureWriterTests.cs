using Dataplane.Testing;
using Dataplane.Vdev.Pcap.Capture;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Vdev.Tests.Pcap;

public sealed class CaptureWriterTests : IDisposable
{
    private readonly CaptureFixture _captures = new();

    public void Dispose() => _captures.Dispose();

    [Theory]
    [InlineData("us")]
    [InlineData("ns")]
    public async Task Tcpdump_and_tshark_read_what_is_written(string unit)
    {
        TimestampUnit timestamps = unit == "us" ? TimestampUnit.Microseconds : TimestampUnit.Nanoseconds;
        string path = _captures.PathOf("ours.pcap");
        List<Frame> frames = CaptureFixture.Read(CaptureFixture.Mixed);

        await CaptureFixture.WriteAsync(path, timestamps, 65535, frames);

        CaptureFixture.AssertSame(frames, _captures.ReadWithTcpdump(path));
        string[] lines = Shell.Run("tshark", "-r", path, "-T", "fields", "-e", "frame.len")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(frames.Select(f => $"{f.Data.Length}"), lines);
        Assert.Contains(unit == "us" ? "microseconds" : "nanoseconds", Shell.Run("capinfos", path));
    }

    [Fact]
    public async Task Frames_are_cut_at_the_snap_length_and_keep_their_length_on_the_wire()
    {
        string path = _captures.PathOf("ours.pcap");
        await CaptureFixture.WriteAsync(path, TimestampUnit.Nanoseconds, 100, [new(new byte[300], 5, 300)]);

        CaptureFixture.AssertSame([new(new byte[100], 5, 300)], _captures.ReadWithTcpdump(path));
    }

    [Fact]
    public void What_is_written_is_read_again() =>
        Prop.ForAll<(uint Seconds, uint Nanoseconds, byte[] Data)[]>(items =>
        {
            Frame[] frames =
            [
                .. items.Select(i => new Frame(
                    i.Data, (i.Seconds * 1_000_000_000L) + (i.Nanoseconds % 1_000_000_000), (uint)i.Data.Length)),
            ];
            string path = _captures.PathOf("round.pcap");
            CaptureFixture.WriteAsync(path, TimestampUnit.Nanoseconds, 65535, frames).GetAwaiter().GetResult();
            CaptureFixture.AssertSame(frames, CaptureFixture.Read(path));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_file_that_cannot_be_created_is_a_sentence()
    {
        string path = _captures.PathOf("none/ours.pcap");
        Assert.StartsWith($"Cannot create the capture '{path}': Could not find a part of the path", Create(path));
        Assert.Equal(
            $"Cannot create the capture '{_captures.PathOf(".")}': it is a directory", Create(_captures.PathOf(".")));
    }

    [Fact]
    public async Task A_full_disk_is_a_sentence()
    {
        await using CaptureWriter writer = CaptureWriter.Create("/dev/full", TimestampUnit.Nanoseconds, 65535);
        DataplaneException e = await Assert.ThrowsAsync<DataplaneException>(async () => await writer.FlushAsync());
        Assert.StartsWith("Cannot write the capture '/dev/full': No space left on device", e.Message);
    }

    private static string Create(string path) => Assert.Throws<DataplaneException>(
        () => CaptureWriter.Create(path, TimestampUnit.Nanoseconds, 65535)).Message;
}
