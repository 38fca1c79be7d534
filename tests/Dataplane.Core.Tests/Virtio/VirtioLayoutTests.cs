using System.Text.RegularExpressions;
using Dataplane.Core.Tests.Linux;
using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Virtio;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>What is not a struct with its kernel name on it: feature bits, commands, offsets, and where the areas of a ring lie.</summary>
public sealed partial class VirtioLayoutTests
{
    private static readonly string[] s_headers = ["linux/virtio_config.h", "linux/virtio_ring.h", "linux/virtio_net.h"];

    [SkippableFact]
    public void Feature_bits_are_those_of_the_headers_of_that_name() => AssertSame(
        Enum.GetValues<VirtioFeatures>().Where(bit => bit is not (VirtioFeatures.None or VirtioFeatures.UserProtocolFeatures))
            .ToDictionary(bit => $"1ULL << {NameOf(bit)}", bit => (long)bit, StringComparer.Ordinal));

    [SkippableFact]
    public void Commands_and_fields_of_the_configuration_are_those_of_the_headers() => AssertSame(new(StringComparer.Ordinal)
    {
        ["VIRTIO_NET_CTRL_RX << 8 | VIRTIO_NET_CTRL_RX_PROMISC"] = (long)VirtioNetCommand.RxPromiscuous,
        ["VIRTIO_NET_CTRL_RX << 8 | VIRTIO_NET_CTRL_RX_ALLMULTI"] = (long)VirtioNetCommand.RxAllMulticast,
        ["VIRTIO_NET_CTRL_MAC << 8 | VIRTIO_NET_CTRL_MAC_ADDR_SET"] = (long)VirtioNetCommand.MacAddressSet,
        ["VIRTIO_NET_CTRL_MQ << 8 | VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET"] = (long)VirtioNetCommand.MqPairsSet,
        ["VIRTIO_NET_CTRL_MQ << 8 | VIRTIO_NET_CTRL_MQ_RSS_CONFIG"] = (long)VirtioNetCommand.MqRssConfig,
        ["VIRTIO_NET_S_LINK_UP"] = VirtioNetConfig.LinkUp,
        ["offsetof(struct virtio_net_config, mac)"] = VirtioNetConfig.Mac,
        ["offsetof(struct virtio_net_config, status)"] = VirtioNetConfig.Status,
        ["offsetof(struct virtio_net_config, max_virtqueue_pairs)"] = VirtioNetConfig.MaxVirtqueuePairs,
        ["offsetof(struct virtio_net_config, mtu)"] = VirtioNetConfig.Mtu,
        ["offsetof(struct virtio_net_config, speed)"] = VirtioNetConfig.Speed,
        ["offsetof(struct virtio_net_config, duplex)"] = VirtioNetConfig.Duplex,
        ["offsetof(struct virtio_net_config, rss_max_key_size)"] = VirtioNetConfig.RssMaxKeySize,
        ["offsetof(struct virtio_net_config, rss_max_indirection_table_length)"] = VirtioNetConfig.RssMaxIndirectionTableLength,
        ["offsetof(struct virtio_net_config, supported_hash_types)"] = VirtioNetConfig.SupportedHashTypes,
        ["sizeof(struct virtio_net_config)"] = VirtioNetConfig.Length,
    });

    [Fact]
    public void The_areas_of_a_ring_do_not_share_a_line()
    {
        for (int size = 2; size <= VirtqueueLayout.MaxSize; size *= 2)
        {
            AssertApart(VirtqueueLayout.Split(size), 16 * size, 6 + (2 * size), 6 + (8 * size));
            AssertApart(VirtqueueLayout.Packed(size), 16 * size, 4, 4);
        }

        static void AssertApart(VirtqueueLayout layout, int descriptors, int driver, int device)
        {
            Assert.InRange(layout.DriverOffset, descriptors, descriptors + 127);
            Assert.InRange(layout.DeviceOffset, layout.DriverOffset + driver, layout.DriverOffset + driver + 127);
            Assert.InRange(layout.Length, layout.DeviceOffset + device, layout.DeviceOffset + device + 127);
            Assert.Equal((0, 0), (layout.DriverOffset % 128, layout.DeviceOffset % 128));
        }
    }

    private static void AssertSame(Dictionary<string, long> claims)
    {
        Prerequisite.Require("x86_64-linux-gnu-gcc", "gcc libc6-dev");
        var program = new KernelHeaderProgram(KernelArchitectures.X64);
        foreach (string expression in claims.Keys)
        {
            // NOTIFICATION_DATA is younger than the oldest headers that we build with.
            bool isRecent = expression.EndsWith("VIRTIO_F_NOTIFICATION_DATA", StringComparison.Ordinal);
            program.Ask(s_headers, expression, isRecent ? "VIRTIO_F_NOTIFICATION_DATA" : null);
        }

        Dictionary<string, long> answers = program.Run();
        Assert.True(answers.Count >= claims.Count - 1);
        Assert.All(answers, answer => Assert.Equal((answer.Key, answer.Value), (answer.Key, claims[answer.Key])));
    }

    private static string NameOf(VirtioFeatures bit)
    {
        string words = WordStart().Replace(bit.ToString(), "_$0").ToUpperInvariant();
        return words.Split('_', 2) switch
        {
            ["NET", string rest] => $"VIRTIO_NET_F_{rest}",
            ["RING", "PACKED"] => "VIRTIO_F_RING_PACKED",
            ["RING", string rest] => $"VIRTIO_RING_F_{rest}",
            _ => $"VIRTIO_F_{words.Replace("VERSION1", "VERSION_1", StringComparison.Ordinal)}",
        };
    }

    [GeneratedRegex("(?<=[a-z0-9])[A-Z]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WordStart();
}
