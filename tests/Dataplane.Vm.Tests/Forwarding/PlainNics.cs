using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Forwarding;

/// <summary>A guest with two NICs, both given to vfio-pci.</summary>
public abstract class PlainNics : GuestFixture
{
    private protected PlainNics(NicModel first, NicModel second)
        : base(new GuestOptions { Nics = [first, second] })
    {
    }

    private protected override void Prepare(Guest guest) => Devbind.BindToVfio(guest, guest.PciAddresses);
}
