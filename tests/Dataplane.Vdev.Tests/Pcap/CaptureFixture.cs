using System.Diagnostics;
using System.Runtime.InteropServices;
using Dataplane.Vdev.Pcap.Capture;

namespace Dataplane.Vdev.Tests.Pcap;

/// <summary>A frame as the tests compare it.</summary>
internal sealed record Frame(byte[] Data, long TimestampNs, uint OriginalLength)
{
    public override string ToString() => $"{TimestampNs} {OriginalLength} {Convert.ToHexString(Data)}";
}

/// <summary>A directory for the captures of one test, and the tools that other people read captures with.</summary>
public sealed class CaptureFixture : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("pcap-");

    /// <summary>The capture of mixed traffic that comes with the project.</summary>
    public static string Mixed { get; } = Path.Combine(FindRoot(), "samples", "captures", "mixed.pcap");

    public string PathOf(string name) => Path.Combine(_directory.FullName, name);

    public string Write(string name, ReadOnlySpan<byte> content)
    {
        string path = PathOf(name);
        File.WriteAllBytes(path, content.ToArray());
        return path;
    }

    /// <summary>What a tool prints; it must succeed.</summary>
    public byte[] Run(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _directory.FullName,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{tool} {string.Join(' ', arguments)}: {errors.Result}");
        return output.ToArray();
    }

    /// <summary>The frames of a capture as libpcap reads them.</summary>
    internal List<Frame> ReadWithTcpdump(string path)
    {
        ReadOnlySpan<byte> file = Run("tcpdump", "-r", path, "--time-stamp-precision=nano", "-w", "-");
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
    internal static List<Frame> Read(string path) => Read(path, out _);

    internal static List<Frame> Read(string path, out string? cutOff)
    {
        (List<Frame> frames, cutOff) = ReadAsync(path).GetAwaiter().GetResult();
        return frames;
    }

    /// <summary>Writes a capture as the driver does.</summary>
    internal static async Task WriteAsync(string path, TimestampUnit unit, int snapLength, IEnumerable<Frame> frames)
    {
        await using CaptureWriter writer = CaptureWriter.Create(path, unit, snapLength);
        foreach (Frame frame in frames)
        {
            int length = Math.Min(frame.Data.Length, snapLength);
            var header = new PcapRecordHeader(new PcapTimestamp(unit, frame.TimestampNs), length, (int)frame.OriginalLength);
            writer.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<PcapRecordHeader>(in header)));
            writer.Append(frame.Data.AsSpan(0, length));
        }

        await writer.FlushAsync();
    }

    internal static void AssertSame(IReadOnlyList<Frame> expected, IReadOnlyList<Frame> actual) =>
        Assert.Equal(expected.Select(f => f.ToString()), actual.Select(f => f.ToString()));

    public void Dispose() => _directory.Delete(recursive: true);

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

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Dataplane.sln")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException("The tests do not lie in the project");
    }
}
