using Dataplane.Testing;
using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Preconditions;

/// <summary>A PF that belongs to VFIO and has a VF: whoever uses the VF must know the token of whoever uses the PF.</summary>
public class VfTokenTests(VfTokenTests.Fixture fixture, ITestOutputHelper output) : GuestTests<VfTokenTests.Fixture>(fixture, output)
{
    private const string Token = "2ab74924-c335-45f4-9b16-8569e5b08258";
    private const string OtherToken = "2ab74924-c335-45f4-9b16-8569e5b08259";

    [Fact]
    public void The_VF_is_opened_only_with_the_token_of_its_PF()
    {
        string physical = Guest.PciAddresses[0];
        GuestCommand holder = Guest.Start($"exec {GuestTools.L2Fwd} -l 0 --in-memory --vfio-vf-token={Token} -a {physical} -- -p 1");
        holder.WaitFor(() => holder.Errors.Contains("portid=0", StringComparison.Ordinal), "the PF being used");
        string device = $"/sys/bus/pci/devices/{physical}";
        string function = Guest.Run($"echo 1 >{device}/sriov_numvfs && basename $(readlink {device}/virtfn0)").Trim();
        Assert.Equal("vfio-pci\n", Guest.Run($"basename $(readlink /sys/bus/pci/devices/{function}/driver)"));

        AssertSays(
            $"-a {function}",
            $"VFIO does not open {function} without a token: its physical function {physical} belongs to VFIO, too",
            "give the token that the other process has: --vfio-vf-token=UUID");
        AssertSays(
            $"--vfio-vf-token={OtherToken} -a {function}",
            $"{physical} belongs to VFIO, too, and not with the token that --vfio-vf-token gives",
            "give the same --vfio-vf-token to both");
        // With the token it is opened; our driver of the PF does not answer a VF.
        AssertSays($"--vfio-vf-token={Token} -a {function}", $"{function}: the PF is in reset", "see that a driver serves the PF");

        holder.Signal("TERM");
        Assert.Equal(0, holder.WaitForExit());
        Guest.Run($"echo 0 >{device}/sriov_numvfs");
    }

    private void AssertSays(string devices, string problem, string remedy)
    {
        ShellResult result = Start(devices);
        Assert.True(
            result.ExitCode == 1 && result.Error.Contains(problem, StringComparison.Ordinal) && result.Error.Contains(remedy, StringComparison.Ordinal),
            $"It should have said '{problem}' and '{remedy}', but {result}");
    }

    private ShellResult Start(string devices) => Guest.TryRun($"exec {GuestTools.L2Fwd} -l 1 --in-memory {devices} -- -p 1");

    public sealed class Fixture() : GuestFixture(new GuestOptions { Nics = [NicModel.Igb] })
    {
        private protected override void Prepare(Guest guest)
        {
            guest.LoadModule("vfio-pci", "enable_sriov=1");
            Devbind.BindToVfio(guest, guest.PciAddresses);
        }
    }
}
