namespace Dataplane.Vm.Tests.Rig;

/// <summary>That the guest is what the other tests take it for.</summary>
public class RigTests(RigTests.Fixture fixture) : IClassFixture<RigTests.Fixture>
{
    private readonly Guest _guest = fixture.Guest;

    [Fact]
    public void Files_are_those_of_this_machine_and_what_the_guest_writes_does_not_last()
    {
        string file = typeof(RigTests).Assembly.Location;
        _guest.Run($"cmp {file} {file}; echo nothing >{file}");
        Assert.Equal("nothing\n", _guest.Run($"cat {file}"));
        Assert.NotEqual("nothing\n", File.ReadAllText(file));
    }

    [Fact]
    public void A_device_that_writes_where_it_must_not_is_noticed()
    {
        // QEMU's device edu (docs/specs/edu.rst) copies memory as it is told; nothing is mapped for it.
        _guest.Run("""
            set -e
            cd /sys/bus/pci/devices/0000:00:08.0
            printf '\006\000' | dd of=config bs=1 seek=4 conv=notrunc status=none   # memory and bus master
            bar=$(cut -d ' ' -f 1 resource | head -n 1)
            put() { busybox devmem $((bar + $1)) 32 $2; }
            put 0x80 0x40000        # from its buffer
            put 0x88 0x1000000      # to an address
            put 0x90 64             # bytes
            put 0x98 3              # start, towards memory
            """);
        Assert.True(SpinWait.SpinUntil(() => _guest.DmaFaults.Any(), TimeSpan.FromSeconds(10)), _guest.ConsoleTail);
    }

    public sealed class Fixture() : GuestFixture(new GuestOptions { Nics = [NicModel.E1000e], QemuArguments = ["-device", "edu,addr=8.0"] });
}
