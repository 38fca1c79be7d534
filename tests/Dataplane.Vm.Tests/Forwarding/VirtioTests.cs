using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Forwarding;

/// <summary>virtio-net behind an IOMMU; one port of each kind of ring.</summary>
public class VirtioTests(VirtioTests.Fixture fixture, ITestOutputHelper output) : ForwardingTests<VirtioTests.Fixture>(fixture, output)
{
    public sealed class Fixture() : PlainNics(NicModel.VirtioSplit, NicModel.VirtioPacked);
}
