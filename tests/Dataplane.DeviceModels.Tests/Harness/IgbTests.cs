using Dataplane.DeviceModels.Tests.Qtest;

namespace Dataplane.DeviceModels.Tests.Harness;

/// <summary>The harness's SR-IOV, by an igb whose registers are read by hand (82576 data sheet, chapter 8).</summary>
public sealed class IgbTests
{
    private const int MailboxMemory = 0x0800;

    [Fact]
    public void Virtual_functions_have_registers_of_their_own()
    {
        using var memory = new DeviceMemory();
        using var machine = new QtestMachine(QemuRelease.WithIgb, "igb", "52:54:00:01:02:03", 2, memory.Memory);
        Assert.Equal("8086:10c9", machine.Nic.Id.ToString());
        Assert.Equal(10, machine.Nic.InterruptVectors);
        Assert.Equal(["0000:01:10.0", "0000:01:10.2"], machine.VirtualFunctions.Select(function => function.Name));
        foreach (QtestFunction function in machine.VirtualFunctions)
        {
            Assert.Equal("8086:10ca", function.Id.ToString());
            Assert.Equal(3, function.InterruptVectors);
            Assert.Equal(16 << 10, function.BarLength(0));
            Assert.True(function.TryReset());
        }

        machine.VirtualFunctions[0].OpenBar(0).Write32(MailboxMemory, 1);
        machine.VirtualFunctions[1].OpenBar(0).Write32(MailboxMemory, 2);
        Assert.Equal([1u, 2u], machine.VirtualFunctions.Select(function => function.OpenBar(0).Read32(MailboxMemory)));

        Assert.Equal("", machine.Complaints);
    }
}
