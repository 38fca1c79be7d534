using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Forwarding;

/// <summary>A VF of each of two Intel 82576, whose PFs the kernel's driver has, as on a node of a cluster.</summary>
public class IgbVfTests(IgbVfTests.Fixture fixture, ITestOutputHelper output) : ForwardingTests<IgbVfTests.Fixture>(fixture, output)
{
    public sealed class Fixture() : GuestFixture(new GuestOptions { Nics = [NicModel.Igb, NicModel.Igb] })
    {
        private protected override void Prepare(Guest guest)
        {
            guest.LoadModule("igb");
            Devbind.BindToVfio(guest, guest.PciAddresses.Select(physical => VirtualFunctions.Create(guest, physical)));
        }
    }
}
