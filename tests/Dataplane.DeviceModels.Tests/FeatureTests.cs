using Dataplane.DeviceModels.Tests.Suites;
using Dataplane.Ports;

namespace Dataplane.DeviceModels.Tests;

/// <summary>No feature of a driver goes untested because somebody forgot a class.</summary>
public sealed class FeatureTests
{
    private static readonly Type[] s_types = typeof(NicModel).Assembly.GetTypes();

    [Fact]
    public void Every_feature_of_a_model_has_its_suite()
    {
        foreach (Type type in s_types.Where(type => type.IsSubclassOf(typeof(NicModel)) && !type.IsAbstract))
        {
            var model = (NicModel)Activator.CreateInstance(type)!;
            string[] missing = [.. Needed(model).Except(Present(type))];
            string[] extra = [.. Present(type).Except(Needed(model))];
            Assert.True(missing.Length == 0, $"{type.Name} has no class of {string.Join(", ", missing)}");
            Assert.True(extra.Length == 0, $"{type.Name} does not claim the feature of {string.Join(", ", extra)}");
        }
    }

    private static IEnumerable<string> Needed(NicModel model)
    {
        PortCapabilities can = model.Capabilities;
        PortOffloads offloads = can.Offloads & ~model.NotModelled;
        yield return nameof(NicTests<>);
        if (model.HasLinkInterrupt)
            yield return nameof(NicLinkInterruptTests<>);
        if (model.HasPromiscuous)
            yield return nameof(NicPromiscuousTests<>);
        if (can.MaxMtu >= 9000)
            yield return nameof(NicJumboTests<>);
        if (offloads.HasFlag(PortOffloads.TxMultiSegment))
            yield return nameof(NicTxChainTests<>);
        if (offloads.HasFlag(PortOffloads.RxVlanStrip | PortOffloads.TxVlanInsert))
            yield return nameof(NicVlanTests<>);
        if ((offloads & (PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum)) != 0)
            yield return nameof(NicRxChecksumTests<>);
        if ((offloads & (PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum)) != 0)
            yield return nameof(NicTxChecksumTests<>);
        if (model.SpreadsFlows)
            yield return nameof(NicMultiQueueTests<>);
        if (can.HasRxInterrupts)
            yield return nameof(NicRxInterruptTests<>);
    }

    private static IEnumerable<string> Present(Type model) => s_types
        .Where(type => !type.IsAbstract)
        .Select(type => type.BaseType)
        .Where(parent => parent is { IsGenericType: true } && parent.GenericTypeArguments[0] == model)
        .Select(parent => parent!.Name.Split('`')[0]);
}
