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

    public int Run()
    {
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
        // Doorbells of virtio would otherwise pass QEMU's trace by.
        NicModel model = NicModel.ByName[name];
        model = model with { Device = model.Device.Replace("virtio-net-pci", "virtio-net-pci,ioeventfd=off", StringComparison.Ordinal) };
        using Guest guest = Guest.Boot(new GuestOptions { Nics = [model, model], QemuArguments = RegisterAccesses.QemuArguments(trace) });
        Devbind.BindToVfio(guest, guest.PciAddresses);
        TestPmd.Prepare(guest);

        Forwarder[] forwarders = [Forwarder.Dpdk, Forwarder.Ours];
        List<double>[] rates = [[], []];
        var accesses = new string[2];
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
