using CommandLine;
using Dataplane.Testing;
using Dataplane.Vm.Tests.Forwarding;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Comparison;

/// <summary>
/// Compares l2fwd with DPDK in turn, in a guest, on the same NICs with the same frames. Both are bound by the emulation, so
/// the rates only show that we do not reach for registers more often than DPDK does; the counts show it exactly.
/// </summary>
[Verb("versus", HelpText = "Compare l2fwd with DPDK's testpmd in a guest: register accesses per packet, and packets per second.")]
internal sealed class VersusCommand
{
    private const int Frames = 320;
    private const int Burst = 32;

    [Option("nic", Separator = ',', Default = new[] { "e1000e", "igb", "virtio", "virtio-packed" }, HelpText = "Models of NICs.")]
    public IEnumerable<string> Nics { get; init; } = [];

    [Option("pairs", Default = 5, HelpText = "How often each program is measured, in turn.")]
    public int Pairs { get; init; }

    [Option("seconds", Default = 3, HelpText = "How long each time.")]
    public int Seconds { get; init; }

    [Option("warm-up", Default = 5, HelpText = "Seconds before that: an emulated CPU takes some to compile what the JIT compiles in milliseconds.")]
    public int WarmUp { get; init; }

    [Option("startup", HelpText = "Measure the time from the start of the process to the first packet, and nothing else.")]
    public bool Startup { get; init; }

    [Option("also", Separator = ',', HelpText = "Compare l2fwd as published into these folders, too, with commas between them.")]
    public IEnumerable<string> Also { get; init; } = [];

    private Forwarder[] Forwarders =>
    [
        Forwarder.Dpdk,
        Forwarder.Ours,
        .. Also.Select(folder => Forwarder.OursAt(Path.GetFileName(folder), Path.GetFullPath($"{folder}/l2fwd"))),
    ];

    public int Run()
    {
        if (Startup)
            return CompareStarts();
        Console.WriteLine("Register reads + writes per packet, where one packet is under way at a time and where 32 are; packets/s of both ports (median).");
        Console.WriteLine();
        Console.WriteLine("| NIC | program | 1 packet | 32 packets | packets/s | ratio |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- |");
        foreach (string nic in Nics)
            Compare(nic);
        return 0;
    }

    private void Compare(string name)
    {
        using var folder = new TemporaryFolder();
        string trace = folder["trace"];
        using Guest guest = Boot(name, trace);
        Prepare(guest);

        Forwarder[] forwarders = Forwarders;
        List<double>[] rates = [.. forwarders.Select(_ => new List<double>())];
        var accesses = new string[forwarders.Length];
        for (int round = 0; round < Pairs; round++)
        {
            for (int i = 0; i < forwarders.Length; i++)
            {
                GuestCommand program = forwarders[i].Start(guest);
                if (round == 0)
                    accesses[i] = $"{Count(guest, trace, 1)} | {Count(guest, trace, Burst)}";
                new Flood(guest).Run(TimeSpan.FromSeconds(WarmUp));
                rates[i].Add(new Flood(guest).Run(TimeSpan.FromSeconds(Seconds)));
                program.Signal("TERM");
                program.WaitForExit();
            }
        }

        double yardstick = Median(rates[0]);
        for (int i = 0; i < forwarders.Length; i++)
            Console.WriteLine($"| {name} | {forwarders[i].Name} | {accesses[i]} | {Median(rates[i]):N0} | {Median(rates[i]) / yardstick:F2} |");
    }

    private int CompareStarts()
    {
        Console.WriteLine("From the start of the process to the first packet that it forwards; seconds (median).");
        Console.WriteLine();
        Console.WriteLine("| NIC | program | first packet | without l2fwd's wait for links |");
        Console.WriteLine("| --- | --- | --- | --- |");
        foreach (string nic in Nics)
        {
            using var folder = new TemporaryFolder();
            using Guest guest = Boot(nic, folder["trace"]);
            Prepare(guest);
            CompareStarts(guest, nic);
        }

        return 0;
    }

    private void CompareStarts(Guest guest, string nic)
    {
        Forwarder[] forwarders = Forwarders;
        List<double>[] times = [.. forwarders.Select(_ => new List<double>())];
        List<double>[] withoutLinks = [.. forwarders.Select(_ => new List<double>())];
        // The first round, which is not counted, brings the programs' files into the guest's memory.
        for (int round = 0; round <= Pairs; round++)
        {
            for (int i = 0; i < forwarders.Length; i++)
            {
                (GuestCommand program, TimeSpan time) = FirstPacket.Await(guest, forwarders[i]);
                program.WaitFor(() => forwarders[i].Forwards(program), "forwarding");
                program.Signal("TERM");
                program.WaitForExit();
                Flood.Drain(guest);
                Console.Error.WriteLine($"{nic}, round {round}: {forwarders[i].Name} {time.TotalSeconds:F2} s");
                if (round == 0)
                    continue;
                times[i].Add(time.TotalSeconds);
                withoutLinks[i].Add((time - GuestL2Fwd.LinkWait(program)).TotalSeconds);
            }
        }

        for (int i = 0; i < forwarders.Length; i++)
            Console.WriteLine($"| {nic} | {forwarders[i].Name} | {Median(times[i]):F2} | {Median(withoutLinks[i]):F2} |");
    }

    /// <summary>Boots a guest with two NICs.</summary>
    private static Guest Boot(string name, string trace)
    {
        // Doorbells of virtio would otherwise pass QEMU's trace by.
        NicModel model = NicModel.ByName[name];
        model = model with { Device = model.Device.Replace("virtio-net-pci", "virtio-net-pci,ioeventfd=off", StringComparison.Ordinal) };
        return Guest.Boot(new GuestOptions { Nics = [model, model], QemuArguments = RegisterAccesses.QemuArguments(trace) });
    }

    private static void Prepare(Guest guest)
    {
        Devbind.BindToVfio(guest, guest.PciAddresses);
        TestPmd.Prepare(guest);
    }

    /// <summary>Register accesses per packet, when so many are under way in each direction at a time.</summary>
    private static string Count(Guest guest, string trace, int burst)
    {
        var traffic = new Traffic(guest.Wires, [.. guest.Nics.Select(nic => nic.MacAddress)]);
        traffic.CheckBurst(burst, 60);
        RegisterAccesses accesses = RegisterAccesses.During(guest, trace, () =>
        {
            for (int i = 0; i < Frames / burst; i++)
                traffic.CheckBurst(burst, 60);
        });
        const double Packets = 2 * Frames;
        return $"{accesses.Reads / Packets:F2} + {accesses.Writes / Packets:F2}";
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
