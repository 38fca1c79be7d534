using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Forwarding;

/// <summary>Intel 82574L.</summary>
public class E1000eTests(E1000eTests.Fixture fixture, ITestOutputHelper output) : ForwardingTests<E1000eTests.Fixture>(fixture, output)
{
    public sealed class Fixture() : PlainNics(NicModel.E1000e, NicModel.E1000e);
}
