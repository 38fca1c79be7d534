using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Dataplane.Testing;

/// <summary>What tcpdump sees of an interface, in one direction.</summary>
public sealed class FrameCapture : IDisposable
{
    private const int FileHeaderLength = 24;
    private const int RecordHeaderLength = 16;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly string _file;
    private readonly Process _tcpdump;

    private FrameCapture(string file, Process tcpdump)
    {
        _file = file;
        _tcpdump = tcpdump;
    }

    /// <summary>Starts to capture; comes back when tcpdump listens.</summary>
    /// <param name="network">Where the interface is.</param>
    /// <param name="iface">Its name.</param>
    /// <param name="direction">
    /// What its host sends (<c>out</c>) or receives (<c>in</c>), or both (<c>inout</c>).
    /// </param>
    /// <param name="file">Where the frames go.</param>
    public static FrameCapture Start(NetworkNamespace network, string iface, string direction, string file)
    {
        // -Z root: it may write where only root may. -U: each frame is in the file at once. -B: 16 MiB, so that none
        // is lost.
        Process tcpdump = network.Start(
            "tcpdump", "-i", iface, "-Q", direction, "-w", file, "-U", "--immediate-mode", "-Z", "root", "-B", "16384");
        string heard = "";
        while (!heard.Contains("listening on", StringComparison.Ordinal))
            heard += tcpdump.StandardError.ReadLine() ?? throw new InvalidOperationException($"tcpdump ended: {heard}");
        return new FrameCapture(file, tcpdump);
    }

    /// <summary>
    /// Frames are equal to those of another capture, in order; frames still on their way are waited for.
    /// </summary>
    /// <param name="other">What is compared.</param>
    /// <param name="change">What has become of a frame of this capture in the other; null: nothing.</param>
    /// <returns>The frames of the other capture.</returns>
    public IReadOnlyList<byte[]> AssertArrivedAt(FrameCapture other, Func<byte[], byte[]>? change = null)
    {
        long start = Stopwatch.GetTimestamp();
        while (Read().Count != other.Read().Count && Stopwatch.GetElapsedTime(start) < s_patience)
            Thread.Sleep(50);
        IReadOnlyList<byte[]> arrived = other.Read();
        Assert.Equal(
            Read().Select(frame => Convert.ToHexString(change?.Invoke(frame) ?? frame)),
            arrived.Select(Convert.ToHexString));
        return arrived;
    }

    /// <summary>The frames until now.</summary>
    public IReadOnlyList<byte[]> Read() => Read(_file);

    /// <summary>The frames of a capture file, which may still be written.</summary>
    public static IReadOnlyList<byte[]> Read(string path)
    {
        // A file of libpcap: a header, then for each frame seconds, micro- or nanoseconds, captured length, length,
        // bytes.
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        var frames = new List<byte[]>();
        if (file.Length < FileHeaderLength)
            return frames;
        for (file = file[FileHeaderLength..]; file.Length >= RecordHeaderLength;)
        {
            int length = MemoryMarshal.Cast<byte, int>(file[..RecordHeaderLength])[2];
            if (file.Length < RecordHeaderLength + length)
                break;
            frames.Add(file.Slice(RecordHeaderLength, length).ToArray());
            file = file[(RecordHeaderLength + length)..];
        }

        return frames;
    }

    /// <summary>Ends tcpdump.</summary>
    public void Dispose()
    {
        _tcpdump.Kill();
        _tcpdump.WaitForExit();
        _tcpdump.Dispose();
    }
}
