using System.Diagnostics;
using Versus.Machine;
using Versus.Programs;
using Versus.Transports;

namespace Versus.Frames;

/// <summary>Sends frames of all sizes through a program from capture file to capture file and compares each.</summary>
internal static class CaptureCheck
{
    private const int Frames = 1000;

    /// <summary>Checks a program; what is wrong is an exception.</summary>
    /// <returns>How many frames were compared.</returns>
    public static int Run(IForwarder program, string directory)
    {
        string In(int port) => Path.Combine(directory, $"{program.Name}-in{port}.pcap");
        string Out(int port) => Path.Combine(directory, $"{program.Name}-out{port}.pcap");
        string Device(int port) => $"net_pcap{port},rx_pcap={In(port)},tx_pcap={Out(port)}";

        IReadOnlyList<byte[]>[] sent = [TestFrame.CreateMixed(Frames), [.. TestFrame.CreateMixed(Frames).Reverse()]];
        for (int port = 0; port < sent.Length; port++)
            CaptureFile.Write(In(port), sent[port]);
        using (IRunningForwarder running = program.Start(new PortPair(Device(0), Device(1)), new Placement(Placement.DeviceCpu)))
            WaitUntilSent(running, 2 * Frames);
        for (int port = 0; port < sent.Length; port++)
        {
            if (ForwardedFrames.FindFault(sent[1 - port], CaptureFile.Read(Out(port)), port) is { } fault)
                throw new VersusException($"{program.Name} over net_pcap: {fault}");
        }

        return 2 * Frames;
    }

    private static void WaitUntilSent(IRunningForwarder running, long packets)
    {
        long began = Stopwatch.GetTimestamp();
        while (running.ReadSent() < packets)
        {
            if (Stopwatch.GetElapsedTime(began).TotalSeconds > 10)
                throw new VersusException($"Of {packets} frames only {running.ReadSent()} were sent in 10 s");
            Thread.Sleep(100);
        }
    }
}
