using System.Runtime.InteropServices;
using Dataplane.Testing;
using Dataplane.Vdev.Pcap.Capture;

namespace Dataplane.Vdev.Tests.Pcap;

/// <summary>A frame as the tests compare it.</summary>
internal sealed record Frame(byte[] Data, long TimestampNs, uint OriginalLength)
{
    public override string ToString() => $"{TimestampNs} {OriginalLength} {Convert.ToHexString(Data)}";
}

/// <summary>A directory for the captures of one test, and the tools that other people read captures with.</summary>
internal sealed class CaptureFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>The capture of mixed traffic that comes with the project.</summary>
    public static string Mixed { get; } = Repository.PathOf("samples/captures/mixed.pcap");

    public string PathOf(string name) => _folder[name];

    public string Write(string name, ReadOnlySpan<byte> content)
    {
        string path = PathOf(name);
        File.WriteAllBytes(path, content.ToArray());
        return path;
    }

    /// <summary>The frames of a capture as libpcap reads them.</summary>
    public List<Frame> ReadWithTcpdump(string path)
    {
        string copy = PathOf("copy-of-tcpdump");
        Shell.Run("tcpdump", "-r", path, "--time-stamp-precision=nano", "-w", copy);
        ReadOnlySpan<byte> file = File.ReadAllBytes(copy);
        Assert.Equal(CaptureFormats.NanosecondMagic, MemoryMarshal.Read<uint>(file));
        var frames = new List<Frame>();
        for (file = file[24..]; !file.IsEmpty;)
        {
            ReadOnlySpan<uint> header = MemoryMarshal.Cast<byte, uint>(file[..16]);
            int length = (int)header[2];
            frames.Add(new(file.Slice(16, length).ToArray(), (header[0] * 1_000_000_000L) + header[1], header[3]));
            file = file[(16 + length)..];
        }

        return frames;
    }

    /// <summary>The frames of a capture as we read them.</summary>
    public static List<Frame> Read(string path) => Read(path, out _);

    public static List<Frame> Read(string path, out string? cutOff)
    {
        (List<Frame> frames, cutOff) = ReadAsync(path).GetAwaiter().GetResult();
        return frames;
    }

    /// <summary>Writes a capture as the driver does.</summary>
    public static async Task WriteAsync(string path, TimestampUnit unit, int snapLength, IEnumerable<Frame> frames)
    {
        await using CaptureWriter writer = CaptureWriter.Create(path, unit, snapLength);
        foreach (Frame frame in frames)
        {
            int length = Math.Min(frame.Data.Length, snapLength);
            var timestamp = new PcapTimestamp(unit, frame.TimestampNs);
            var header = new PcapRecordHeader(timestamp, length, (int)frame.OriginalLength);
            writer.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<PcapRecordHeader>(in header)));
            writer.Append(frame.Data.AsSpan(0, length));
        }

        await writer.FlushAsync();
    }

    public static void AssertSame(IReadOnlyList<Frame> expected, IReadOnlyList<Frame> actual) =>
        Assert.Equal(expected.Select(f => f.ToString()), actual.Select(f => f.ToString()));

    public static void AssertSame(byte[][] expected, byte[][] actual) =>
        Assert.Equal(expected.Select(Convert.ToHexString), actual.Select(Convert.ToHexString));

    public void Dispose() => _folder.Dispose();

    private static async Task<(List<Frame> Frames, string? CutOff)> ReadAsync(string path)
    {
        await using CaptureReader reader = await CaptureReader.OpenAsync(path);
        var frames = new List<Frame>();
        do
        {
            while (reader.TryRead(out CaptureRecord record))
            {
                var data = new byte[record.Length];
                record.CopyTo(data);
                frames.Add(new(data, record.TimestampNs, record.OriginalLength));
            }
        }
        while (await reader.FillAsync());
        return (frames, reader.CutOff);
    }
}
