using System.Globalization;
using Dataplane.Packets;

namespace Dataplane.Benchmarks.Nics;

/// <summary>
/// The benchmarks of <see cref="NicRingBenchmark"/> by the CPU's cycle counter and without any framework: for each
/// burst the best and the median of many repeats, of which a busy machine disturbs only some.
/// </summary>
internal static class CycleTable
{
    private const int Repeats = 201;
    private const int PacketsPerRepeat = 1 << 16;

    public static void Print(TextWriter output)
    {
        Print(output, "igb, ixgbe", burst => new AdvancedRingBenchmarks { Burst = burst });
        foreach (bool packed in (bool[])[false, true])
            Print(output, packed ? "virtio packed" : "virtio split", burst => new VirtioRingBenchmarks { Burst = burst, Packed = packed });
    }

    private static void Print(TextWriter output, string name, Func<int, NicRingBenchmark> create)
    {
        output.WriteLine($"{name}\nburst  cycles/packet: best  median   full bursts   (TSC cycles)");
        foreach (int burst in (int[])[1, 8, 32, 64])
        {
            using NicRingBenchmark benchmark = create(burst);
            benchmark.SetUp();
            Measure(benchmark, out _);
            var cycles = new double[Repeats];
            double full = 0;
            for (int i = 0; i < Repeats; i++)
            {
                cycles[i] = Measure(benchmark, out double fullBursts);
                full += fullBursts / Repeats;
            }

            Array.Sort(cycles);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{burst,5} {cycles[0],20:F1} {cycles[Repeats / 2],7:F1} {full,12:P0}"));
        }
    }

    private static double Measure(NicRingBenchmark benchmark, out double fullBursts)
    {
        Span<Packet> burst = stackalloc Packet[benchmark.Burst];
        int packets = 0, polls = 0, full = 0;
        ulong start = CycleClock.Now;
        while (packets < PacketsPerRepeat)
        {
            int received = benchmark.Forward(burst);
            packets += received;
            polls += received == 0 ? 0 : 1;
            full += received == burst.Length ? 1 : 0;
        }

        ulong cycles = CycleClock.Now - start;
        fullBursts = (double)full / polls;
        return (double)cycles / packets;
    }
}
