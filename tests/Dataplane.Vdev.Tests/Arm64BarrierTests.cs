using System.Reflection;
using System.Text.RegularExpressions;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests;

/// <summary>
/// Reads the arm64 code of the rings for the instructions of their tables of barriers. An x86-64 machine orders memory
/// so strictly, and an emulator on one too, that no test which runs the code would miss one.
/// </summary>
public sealed partial class Arm64BarrierTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("arm64-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData("Enqueue")]
    [InlineData("Dequeue")]
    public void A_side_of_the_ring_acquires_the_index_of_the_other_before_the_copy_and_releases_its_own_behind_it(string method)
    {
        List<string> code = Disassemble("Dataplane.Vdev", "Dataplane.Vdev.Ring.SpscPacketRing", method);
        int acquire = code.FindIndex(IsAcquire), copy = code.FindLastIndex(IsCall), release = code.FindLastIndex(IsRelease);

        Assert.InRange(acquire, 0, copy);
        Assert.InRange(release, copy, code.Count);
        Assert.Equal((1, 1), (code.Count(IsAcquire), code.Count(IsRelease)));
    }

    [SkippableFact]
    public void Claiming_acquires_both_indices_before_it_exchanges()
    {
        List<string> code = Disassemble("Dataplane.Core", "Dataplane.Rings.MpmcRingCore", "Claim");
        int exchange = code.FindIndex(line => line.StartsWith("casal", StringComparison.Ordinal));

        Assert.Equal(2, code.Take(exchange).Count(IsAcquire));
    }

    [SkippableFact]
    public void Publishing_waits_with_acquiring_reads_and_releases_last()
    {
        List<string> code = Disassemble("Dataplane.Core", "Dataplane.Rings.MpmcRingCore", "Publish");
        int release = code.FindLastIndex(IsRelease);

        Assert.InRange(code.FindIndex(IsAcquire), 0, release);
        Assert.True(code.FindLastIndex(IsAcquire) < release);
        Assert.Equal(1, code.Count(IsRelease));
    }

    [SkippableTheory]
    [InlineData("SplitDriverRing")]
    [InlineData("PackedDriverRing")]
    public void A_virtqueue_releases_what_was_added_and_fences_before_it_looks_whether_to_notify(string ring)
    {
        List<string> code = Disassemble("Dataplane.Core", "Dataplane.Virtio." + ring, "Publish");
        int release = code.FindIndex(IsRelease), fence = code.FindLastIndex(IsFence);

        Assert.InRange(release, 0, fence);
        Assert.InRange(code.FindIndex(IsAcquire), fence, code.Count);
    }

    [SkippableTheory]
    [InlineData("SplitDriverRing", "TakeUsed")]
    [InlineData("PackedDriverRing", "TakeUsedFrom")]
    public void A_virtqueue_acquires_what_says_that_a_buffer_was_used(string ring, string method)
    {
        List<string> code = Disassemble("Dataplane.Core", "Dataplane.Virtio." + ring, method);

        Assert.Contains(code, IsAcquire);
    }

    [SkippableTheory]
    [InlineData("Dataplane.Core", "Dataplane.Virtio.SplitDeviceRing", "Publish")]
    [InlineData("Dataplane.Core", "Dataplane.Virtio.SplitDeviceRing", "TryRequestNotification")]
    [InlineData("Dataplane.Core", "Dataplane.Virtio.PackedDeviceRing", "Publish")]
    [InlineData("Dataplane.Core", "Dataplane.Virtio.PackedDeviceRing", "TryRequestNotification")]
    [InlineData("Dataplane.Vdev", "Dataplane.Vdev.Memif.MemifRing", "TryUnmask")]
    public void What_the_other_side_looks_at_is_released_and_fenced_before_its_own_is_looked_at(string assembly, string type, string method)
    {
        List<string> code = Disassemble(assembly, type, method);
        int fence = code.FindIndex(IsFence);

        Assert.Equal(1, code.Count(IsFence));
        Assert.Contains(code.Take(fence), IsRelease);
        Assert.DoesNotContain(code.Skip(fence), IsRelease);
        Assert.Contains(code.Skip(fence), IsAcquire);
        Assert.DoesNotContain(code.Take(fence), IsAcquire);
    }

    [SkippableTheory]
    [InlineData("Dataplane.Core", "Dataplane.Virtio.SplitDeviceRing", "Take")]
    [InlineData("Dataplane.Vdev", "Dataplane.Vdev.Memif.MemifRing", "get_IsSleeping")]
    [InlineData("Dataplane.Vdev", "Dataplane.Vdev.Peers.QueueGate", "TryEnter")]
    [InlineData("Dataplane.Vdev", "Dataplane.Vdev.Peers.ExternalReturns", "get_IsIdle")]
    public void What_a_peer_or_the_control_thread_has_written_is_acquired(string assembly, string type, string method) =>
        Assert.Equal(1, Disassemble(assembly, type, method).Count(IsAcquire));

    [SkippableTheory]
    [InlineData("QueueGate", "Leave")]
    [InlineData("QueueGate", "Open")]
    [InlineData("ExternalReturns", "Release")]
    public void What_is_given_away_is_released(string type, string method) =>
        Assert.Equal(1, Disassemble("Dataplane.Vdev", "Dataplane.Vdev.Peers." + type, method).Count(IsRelease));

    private static bool IsFence(string line) => line.StartsWith("dmb", StringComparison.Ordinal);

    private static bool IsAcquire(string line) => line.StartsWith("ldar", StringComparison.Ordinal) || line.StartsWith("ldapr", StringComparison.Ordinal);

    private static bool IsRelease(string line) => line.StartsWith("stlr", StringComparison.Ordinal) || line.StartsWith("stlur", StringComparison.Ordinal);

    private static bool IsCall(string line) => line.StartsWith("blr", StringComparison.Ordinal);

    /// <summary>The instructions of a method as Crossgen2 compiles it for arm64 with the atomics of Armv8.1.</summary>
    private List<string> Disassemble(string assembly, string type, string method)
    {
        string crossgen = typeof(Arm64BarrierTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == "Crossgen2").Value!;
        Skip.IfNot(File.Exists(crossgen), "Crossgen2 comes for linux-x64 only");
        string listing = Path.Combine(_folder, "listing"), here = AppContext.BaseDirectory;
        string core = Path.Combine(here, "Dataplane.Core.dll");
        // What net_ring calls of Core is inlined into it, as it is at run time.
        string[] bubble = assembly == "Dataplane.Core" ? [] : ["--inputbubble", "--inputbubbleref:" + core, "-r", core];
        Shell.Run(
            crossgen,
            [
                "--targetos:linux", "--targetarch:arm64", "--instruction-set:lse,rcpc", "-O", .. bubble,
                "-r", Path.GetDirectoryName(typeof(object).Assembly.Location) + "/*.dll", "-r", here + "/Microsoft.Extensions.*.dll",
                $"--singlemethodtypename:{type}, {assembly}", "--singlemethodname:" + method, "--singlemethodindex:1",
                "--codegenopt:JitDisasm=*", "--codegenopt:JitStdOutFile=" + listing,
                "-o", Path.Combine(_folder, "out.dll"), Path.Combine(here, assembly + ".dll"),
            ]);
        return [.. File.ReadLines(listing).Where(line => Instruction().IsMatch(line)).Select(line => line.Trim())];
    }

    [GeneratedRegex(@"^ {4,}[a-z]")]
    private static partial Regex Instruction();
}
