using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Comparison;

/// <summary>How often a program reads and writes registers of NICs, by QEMU's trace of memory regions.</summary>
/// <param name="Reads">Register reads.</param>
/// <param name="Writes">Register writes, doorbells among them.</param>
internal sealed partial record RegisterAccesses(int Reads, int Writes)
{
    private const string ReadEvent = "memory_region_ops_read";
    private const string WriteEvent = "memory_region_ops_write";

    /// <summary>Words for QEMU's command line: where it writes its trace.</summary>
    public static IReadOnlyList<string> QemuArguments(string file) => ["-D", file];

    /// <summary>Counts while something is done.</summary>
    public static RegisterAccesses During(Guest guest, string file, Action action)
    {
        int before = File.Exists(file) ? File.ReadAllText(file).Length : 0;
        Trace(guest, enable: true);
        action();
        Trace(guest, enable: false);
        string[] lines = [.. File.ReadAllText(file)[before..].Split('\n').Where(line => NicRegion().IsMatch(line))];
        return new RegisterAccesses(
            lines.Count(line => line.Contains(ReadEvent, StringComparison.Ordinal)),
            lines.Count(line => line.Contains(WriteEvent, StringComparison.Ordinal)));
    }

    private static void Trace(Guest guest, bool enable)
    {
        foreach (string name in (string[])[ReadEvent, WriteEvent])
            guest.Qmp.Execute("trace-event-set-state", new JsonObject { ["name"] = name, ["enable"] = enable });
    }

    [GeneratedRegex("name '(e1000e-mmio|igb-mmio|virtio-pci-)", RegexOptions.ExplicitCapture)]
    private static partial Regex NicRegion();
}
