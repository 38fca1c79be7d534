using Dataplane.Testing;
using Dataplane.Vdev.Tests.Peers;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.VirtioUser;

/// <summary>Back ends that can little, and those that break rules.</summary>
public sealed class VirtioUserProtocolTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder["vhost.sock"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_back_end_that_knows_no_protocol_features_is_served()
    {
        using var back = new ScriptedBackEnd(Path) { Features = VirtioFeatures.Version1 };
        using PeerRig rig = Start();
        back.ServeUntil(rig, () => rig[0].GetLink().IsUp, "the link is not up");
        Assert.Equal(2, back.Rings.Count);
        Assert.DoesNotContain(VhostUserRequest.SetVringEnable, back.Requests);
        Assert.DoesNotContain(VhostUserRequest.GetProtocolFeatures, back.Requests);
    }

    [Fact]
    public void A_ring_is_known_before_the_features_and_started_last()
    {
        using var back = new ScriptedBackEnd(Path);
        using PeerRig rig = Start();
        back.ServeUntil(rig, () => rig[0].GetLink().IsUp, "the link is not up");
        VhostUserRequest[] order =
        [
            VhostUserRequest.SetOwner, VhostUserRequest.GetFeatures, VhostUserRequest.SetProtocolFeatures,
            VhostUserRequest.SetVringCall, VhostUserRequest.SetFeatures, VhostUserRequest.SetMemTable,
            VhostUserRequest.SetVringNum, VhostUserRequest.SetVringAddr, VhostUserRequest.SetVringKick,
            VhostUserRequest.SetVringEnable,
        ];
        int[] places = [.. order.Select(request => back.Requests.IndexOf(request))];
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
    }

    [Fact]
    public void Features_that_nobody_can_do_without_are_asked_for()
    {
        using var back = new ScriptedBackEnd(Path) { Features = VirtioFeatures.NetMrgRxbuf };
        ExpectComplaint(back, "without VIRTIO_F_VERSION_1");
    }

    [Fact]
    public void A_refused_message_ends_the_connection()
    {
        using var back = new ScriptedBackEnd(Path) { Refused = VhostUserRequest.SetMemTable };
        ExpectComplaint(back, "refused SetMemTable");
    }

    [Fact]
    public void An_answer_to_something_else_ends_the_connection()
    {
        using var back = new ScriptedBackEnd(Path) { Confused = VhostUserRequest.GetQueueNum };
        ExpectComplaint(back, "answered GetStatus where GetQueueNum was to be answered");
    }

    [Fact]
    public void A_message_that_is_no_answer_ends_the_connection()
    {
        using var back = new ScriptedBackEnd(Path) { Unflagged = VhostUserRequest.GetFeatures };
        ExpectComplaint(back, "sent a GetFeatures message, which is no answer");
    }

    [Theory]
    [InlineData(nameof(VhostUserRequest.None))]
    [InlineData(nameof(VhostUserRequest.GetFeatures))]
    public void An_answer_that_nobody_asked_for_ends_the_connection(string request)
    {
        using var back = new ScriptedBackEnd(Path);
        using PeerRig rig = Start();
        back.ServeUntil(rig, () => rig[0].GetLink().IsUp, "the link is not up");
        back.Say(Enum.Parse<VhostUserRequest>(request));
        rig.WaitForLog($"answered {request} where nothing was asked");
    }

    [Fact]
    public unsafe void A_buffer_that_comes_back_twice_ends_the_connection_and_all_buffers_are_back()
    {
        using var back = new ScriptedBackEnd(Path);
        using PeerRig rig = Start();
        back.ServeUntil(rig, () => rig[0].GetLink().IsUp, "the link is not up");
        Assert.NotEqual(0, rig.Pool.Statistics.InUse);
        var used = (ushort*)back.Rings[0].Used;
        new Span<uint>(used + 2, 4).Clear();
        Volatile.Write(ref used[1], 2);

        back.ServeUntil(
            rig,
            () =>
            {
                rig[0].RxQueues[0].Receive(new Packets.Packet[4]);
                return rig.Log.Lines.Any(line => line.Contains("gave a buffer of ring 0 back that it did not have", StringComparison.Ordinal));
            },
            "nobody complained");
        Assert.Contains(rig[0].GetExtendedStatistics(), statistic => statistic is { Name: "protocol_violations", Value: 1 });
        rig[0].Stop();
        Assert.Equal(0, rig.Pool.Statistics.InUse);
    }

    [Fact]
    public void A_back_end_that_fills_the_counter_of_a_kick_loses_its_connection_and_gets_other_kicks_with_the_next()
    {
        using var back = new ScriptedBackEnd(Path);
        using PeerRig rig = Start();
        back.ServeUntil(rig, () => rig[0].GetLink().IsUp, "the link is not up");
        using SafeFileHandle kick = back.Kicks[1];
        Counter.Fill(kick);
        back.ServeUntil(
            rig,
            () => rig.Log.Lines.Any(line => line.Contains("filled the counter of the eventfd that ring 1 is to kick it by", StringComparison.Ordinal)),
            "nobody complained");

        back.ServeUntil(rig, () => back.Kicks[1] != kick && rig[0].GetLink().IsUp, "the link does not come up again");
        Counter.Fill(kick);
        while (Counter.TryTake(back.Kicks[1]))
        {
            // Those of the start.
        }

        Assert.True(rig.TrySend(rig[0], TestFrame.Create(60)));
        rig.WaitUntil(() => Counter.TryTake(back.Kicks[1]), "the back end is not kicked");
    }

    private PeerRig Start() => new PeerRig($"net_virtio_user0,path={Path}").Start();

    private void ExpectComplaint(ScriptedBackEnd back, string sentence)
    {
        using PeerRig rig = Start();
        back.ServeUntil(
            rig, () => rig.Log.Lines.Any(line => line.Contains(sentence, StringComparison.Ordinal)), "nobody complained");
        Assert.False(rig[0].GetLink().IsUp);
        Assert.Equal(0u, rig[0].GetStatistics().InputPackets);
    }
}
