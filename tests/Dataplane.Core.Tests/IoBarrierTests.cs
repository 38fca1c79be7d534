using Dataplane.Testing;

namespace Dataplane.Core.Tests;

public class IoBarrierTests
{
    [Fact]
    public void Barriers_return()
    {
        IoBarrier.Store();
        IoBarrier.Load();
        IoBarrier.Full();
    }

    // A barrier that is missing shows in a race of threads once in many thousand tries, and on x86 hardly at all.
    [SkippableTheory]
    [InlineData("linux-x64", "x86_64-linux-gnu-objdump", "mfence", "", "")]
    [InlineData("linux-arm64", "aarch64-linux-gnu-objdump", "dmb osh", "dmb oshst", "dmb oshld")]
    public void The_shim_has_the_instructions_of_its_architecture(
        string runtime, string objdump, string full, string store, string load)
    {
        Prerequisite.Require(objdump, "binutils-x86-64-linux-gnu binutils-aarch64-linux-gnu");
        string library = Path.Join(AppContext.BaseDirectory, "runtimes", runtime, "native", "libdataplane_shim.so");

        Assert.Equal(full, Instructions(objdump, library, "dataplane_io_full_barrier"));
        Assert.Equal(store, Instructions(objdump, library, "dataplane_io_store_barrier"));
        Assert.Equal(load, Instructions(objdump, library, "dataplane_io_load_barrier"));
    }

    /// <summary>What a function does before it returns, but for the landing pads of indirect branches.</summary>
    private static string Instructions(string objdump, string library, string function)
    {
        // Lines of objdump are address, bytes and instruction, separated by tabs.
        IEnumerable<string> instructions =
            from line in Shell.Run(objdump, "-d", $"--disassemble={function}", library).Split('\n')
            let columns = line.Split('\t', 3)
            where columns.Length == 3
            select columns[2].Replace('\t', ' ').Trim();
        return string.Join("; ", instructions
            .TakeWhile(instruction => !instruction.StartsWith("ret"))
            .Where(instruction => !instruction.StartsWith("endbr64") && !instruction.StartsWith("bti")));
    }
}
