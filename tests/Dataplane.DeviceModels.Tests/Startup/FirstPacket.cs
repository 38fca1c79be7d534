using System.Diagnostics;
using System.Globalization;
using Dataplane.DeviceModels.Tests.Qtest;

namespace Dataplane.DeviceModels.Tests.Startup;

/// <summary>One start: how long it took from the start of the process until each stage, and until a frame came back.</summary>
/// <param name="Stages">By <see cref="StartStage"/>.</param>
/// <param name="Out">When the first frame was on the wire again.</param>
internal sealed record FirstPacket(IReadOnlyList<TimeSpan> Stages, TimeSpan Out)
{
    private const int FrameLength = 60;

    /// <summary>How often frames come.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(1);

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>The time without what the link took.</summary>
    public TimeSpan OutWithoutLink => Out - (Stages[(int)StartStage.Link] - Stages[(int)StartStage.Started]);

    /// <summary>Starts a QEMU, then the program, which is sent frames all the while.</summary>
    /// <param name="model">The NIC.</param>
    /// <param name="environment">Variables of the program.</param>
    public static FirstPacket Await(NicModel model, IReadOnlyList<KeyValuePair<string, string>> environment)
    {
        using var qemu = new QtestProcess(model.Release, model.Device, model.MacAddress.ToString(), memory: null);
        byte[] frame = TestFrames.To(model.MacAddress, FrameLength);
        ProcessStartInfo program = Program(qemu.CpuSocket, environment);
        long start = Stopwatch.GetTimestamp();
        using Process process = Process.Start(program)!;
        Task<long[]> times = Task.Run(() => Converse(process, qemu));
        TimeSpan? end = null;
        do
        {
            qemu.Wire.Send(frame);
            if (qemu.Wire.Receive(s_pause) is not null)
                end = Stopwatch.GetElapsedTime(start);
        }
        while (end is null && !times.IsFaulted && Stopwatch.GetElapsedTime(start) < s_patience);
        if (end is null)
            process.Kill();
        var stages = times.GetAwaiter().GetResult().Select(time => Stopwatch.GetElapsedTime(start, time));
        process.WaitForExit();
        return new FirstPacket([.. stages], end ?? throw new TimeoutException($"{model.Device}: nothing is forwarded"));
    }

    private static ProcessStartInfo Program(string cpuSocket, IReadOnlyList<KeyValuePair<string, string>> environment)
    {
        // The last CPU: the first has the machine's interrupts, and two runs of this do not meet more often than needed.
        string[] eal = ["--in-memory", "-l", $"{Environment.ProcessorCount - 1}"];
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["first-packet", cpuSocket, .. eal])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return start;
    }

    /// <summary>Gives the program what it asks for until it tells its times.</summary>
    private static long[] Converse(Process process, QtestProcess qemu)
    {
        while (process.StandardOutput.ReadLine() is { } line)
        {
            long[] times = [];
            if (line.StartsWith(StartLog.Times, StringComparison.Ordinal))
                times = [.. line[StartLog.Times.Length..].Split(' ').Select(time => long.Parse(time, CultureInfo.InvariantCulture))];
            else if (line.StartsWith(StartLog.Memory, StringComparison.Ordinal) && line[StartLog.Memory.Length..].Split(' ') is [var path, var address, var length])
                qemu.AddMemory(path, ulong.Parse(address, CultureInfo.InvariantCulture), ulong.Parse(length, CultureInfo.InvariantCulture));
            else
                throw new InvalidOperationException($"The program said '{line}'");
            process.StandardInput.Write('\n');
            process.StandardInput.Flush();
            if (times.Length != 0)
                return times;
        }

        throw new InvalidOperationException("The program ended before it forwarded a packet");
    }
}
