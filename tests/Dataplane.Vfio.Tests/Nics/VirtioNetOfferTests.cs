using Dataplane.Memory;
using Dataplane.Ports;
using Dataplane.Vfio.Nics.Virtio;
using Dataplane.Virtio;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Vfio.Tests.Nics;

public sealed class VirtioNetOfferTests : IDisposable
{
    private const VirtioFeatures Plain =
        VirtioFeatures.Version1 | VirtioFeatures.AccessPlatform | VirtioFeatures.NetCtrlVq | VirtioFeatures.NetMac;

    private readonly DataplaneMemory _memory = DataplaneMemory.Create(new MemoryOptions { NoHuge = true }, NullLogger.Instance);

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void RSS_without_several_queues_is_left_alone_since_it_would_move_the_control_queue()
    {
        VirtioModel model = WithRss(Plain | VirtioFeatures.NetRss, entries: 128);

        VirtioNetOffer offer = Read(model);

        Assert.Equal(Plain, offer.Features);
        Assert.Equal(1, offer.Pairs);
        Assert.Equal(0, offer.IndirectionEntries);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(100, 64)]
    [InlineData(128, 128)]
    [InlineData(512, 128)]
    public void The_table_of_RSS_has_as_many_entries_as_a_mask_can_name(int most, int entries)
    {
        VirtioModel model = WithRss(Plain | VirtioFeatures.NetMq | VirtioFeatures.NetRss, most);

        VirtioNetOffer offer = Read(model);

        Assert.Equal(entries, offer.IndirectionEntries);
        Assert.Equal(4, offer.Pairs);
    }

    [Fact]
    public void The_MAC_address_is_of_one_generation_of_the_configuration()
    {
        var model = new VirtioModel(Plain);
        new byte[] { 2, 0, 0, 0, 0, 1 }.CopyTo(model.Config, 0);
        model.ConfigRead = place =>
        {
            if (place != 3 || model.Generation != 0)
                return;
            new byte[] { 2, 9, 9, 9, 9, 2 }.CopyTo(model.Config, 0);
            model.Generation++;
        };

        Assert.Equal("02:09:09:09:09:02", Read(model).MacAddress.ToString(), ignoreCase: true);
    }

    [Fact]
    public void A_device_whose_configuration_never_rests_does_not_keep_us()
    {
        var model = new VirtioModel(Plain);
        model.ConfigRead = _ => model.Generation++;

        _ = Read(model);
    }

    private static VirtioModel WithRss(VirtioFeatures features, int entries)
    {
        var model = new VirtioModel(features);
        model.Config[VirtioNetConfig.MaxVirtqueuePairs] = 4;
        model.Config[VirtioNetConfig.RssMaxKeySize] = VirtioRssConfiguration.KeyLength;
        model.Config[VirtioNetConfig.RssMaxIndirectionTableLength] = (byte)entries;
        model.Config[VirtioNetConfig.RssMaxIndirectionTableLength + 1] = (byte)(entries >> 8);
        return model;
    }

    private VirtioNetOffer Read(VirtioModel model) => VirtioNetOffer.Read(
        new VirtioPciDevice<VirtioModelRegisters>(model, VirtioNetConfig.Status + sizeof(ushort)), _memory, Devargs.Parse(model.Name));
}
