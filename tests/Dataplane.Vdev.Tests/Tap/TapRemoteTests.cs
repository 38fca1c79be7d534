using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Kernel;

namespace Dataplane.Vdev.Tests.Tap;

/// <summary>A tap that takes the place of one end of a veth pair.</summary>
[Collection(KernelPortsCollection.Name)]
public sealed class TapRemoteTests : IDisposable
{
    private const string Vdev = "net_tap0,remote=eth0";
    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();

    public TapRemoteTests() => VethPair.Connect(_near, "eth0", _far, "peer", mtu: 1600);

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    [Fact]
    public void The_tap_has_address_and_MTU_of_the_remote_interface()
    {
        using var port = new KernelPort(_near, Vdev);
        Assert.Equal(_near.MacAddressOf("eth0"), port.Port.MacAddress.ToString(), ignoreCase: true);
        Assert.Equal(1600, port.Port.Mtu);
    }

    [Fact]
    public void What_the_port_sends_leaves_through_the_remote_interface()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        byte[][] frames = [TestFrame.Create(60, 1), TestFrame.Create(1600, 2), TestFrame.Tag(TestFrame.Create(200, 3), 7)];
        port.Send(frames);
        Assert.All(frames, frame => Assert.Equal(frame, peer.Receive()));
    }

    [Fact]
    public void The_port_receives_what_is_for_the_remote_interface_and_more_when_told()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        byte[] broadcast = TestFrame.Create(60, 1);
        byte[] own = To(port.Port.MacAddress, 2);
        byte[] ipv6 = To(new MacAddress([0x33, 0x33, 0, 0, 0, 1]), 3);
        byte[] group = To(new MacAddress([0x01, 0, 0x5E, 0, 0, 1]), 4);
        byte[] foreign = To(new MacAddress([0x02, 9, 9, 9, 9, 9]), 5);
        byte[][] all = [broadcast, own, ipv6, group, foreign];
        byte[][] Exchange()
        {
            foreach (byte[] frame in all)
                peer.Send(frame);
            return [.. port.Receive(all.Length, patience: 50)];
        }

        Assert.Equal([broadcast, own, ipv6], Exchange());
        port.Port.AllMulticast = true;
        Assert.Equal([broadcast, own, ipv6, group], Exchange());
        port.Port.Promiscuous = true;
        Assert.Equal(all, Exchange());
        port.Port.Promiscuous = false;
        port.Port.AllMulticast = false;
        Assert.Equal([broadcast, own, ipv6], Exchange());
    }

    [Fact]
    public void The_remote_interface_is_left_as_it_was_found()
    {
        string before = _near.Run("tc", "qdisc", "show", "dev", "eth0");
        new KernelPort(_near, Vdev).Dispose();
        Assert.Equal(before, _near.Run("tc", "qdisc", "show", "dev", "eth0"));
        _near.Run("tc", "qdisc", "add", "dev", "eth0", "clsact");
        _near.Run("tc", "filter", "add", "dev", "eth0", "ingress", "pref", "9", "u32", "match", "u32", "0", "0", "action", "mirred", "egress", "redirect", "dev", "lo");
        string rules = _near.Run("tc", "filter", "show", "dev", "eth0", "ingress");
        new KernelPort(_near, Vdev).Dispose();
        Assert.Equal(rules, _near.Run("tc", "filter", "show", "dev", "eth0", "ingress"));
    }

    private static byte[] To(MacAddress destination, int number)
    {
        byte[] frame = TestFrame.Create(60, number);
        destination.CopyTo(frame);
        return frame;
    }
}
