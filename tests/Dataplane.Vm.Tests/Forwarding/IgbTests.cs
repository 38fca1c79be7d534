using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Forwarding;

/// <summary>Intel 82576, the whole NIC.</summary>
public class IgbTests(IgbTests.Fixture fixture, ITestOutputHelper output) : ForwardingTests<IgbTests.Fixture>(fixture, output)
{
    public sealed class Fixture() : PlainNics(NicModel.Igb, NicModel.Igb);
}
