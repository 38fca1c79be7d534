using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Forwarding;

/// <summary>NICs of two makers, which forward to each other.</summary>
public class MixedTests(MixedTests.Fixture fixture, ITestOutputHelper output) : ForwardingTests<MixedTests.Fixture>(fixture, output)
{
    public sealed class Fixture() : PlainNics(NicModel.Igb, NicModel.VirtioSplit);
}
