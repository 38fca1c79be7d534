using System.Net;
using Dataplane.Memory;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Kernel;

namespace Dataplane.Vdev.Tests.AfPacket;

/// <summary>
/// Two hosts behind two ports, over veth pairs as they come: their kernels leave checksums to the device and hand over
/// TCP and UDP frames of up to 64 KiB uncut.
/// </summary>
[Collection(KernelPortsCollection.Name)]
public sealed class AfPacketTrafficTests : IDisposable
{
    private static readonly string[] s_vdevs = ["net_af_packet0,iface=left", "net_af_packet1,iface=right"];
    private readonly NetworkNamespace _left = NetworkNamespace.Create(ipv6: true);
    private readonly NetworkNamespace _middle = NetworkNamespace.Create();
    private readonly NetworkNamespace _right = NetworkNamespace.Create(ipv6: true);

    public void Dispose()
    {
        _left.Dispose();
        _middle.Dispose();
        _right.Dispose();
    }

    [Theory]
    [InlineData(1500, 2048)]
    [InlineData(9000, 2048)]
    [InlineData(1500, 512)]
    public void Ping_and_TCP_and_UDP_pass_with_the_offloads_of_veth(int mtu, int dataRoom)
    {
        Connect(mtu);
        using KernelPort ports = new KernelPort(_middle, new MempoolOptions { Count = 8192, DataRoom = dataRoom }, null, s_vdevs).Start();
        using (new ForwardingLoop(ports.Ports[0], ports.Ports[1]))
        {
            Transfers.Ping(_left, "10.1.0.2", 56);
            Transfers.Ping(_left, "10.1.0.2", 20_000);
            Transfers.Tcp(_left, _right, IPAddress.Parse("10.1.0.2"), 20_000_000);
            Transfers.Tcp(_right, _left, IPAddress.Parse("10.1.0.1"), 20_000_000);
            Transfers.Tcp(_left, _right, IPAddress.Parse("fd00::2"), 5_000_000);
            Transfers.SegmentedUdp(_left, _right, IPAddress.Parse("10.1.0.2"), 30_001, 1200);
            Transfers.SegmentedUdp(_right, _left, IPAddress.Parse("fd00::1"), 30_001, 1200);
        }

        Assert.All(ports.Ports, port => Assert.Equal(0ul, port.GetStatistics().InputErrors + port.GetStatistics().OutputErrors));
        Assert.Equal(ports.Pool.Capacity, ports.FreeBuffers);
    }

    private void Connect(int mtu)
    {
        VethPair.Connect(_left, "eth0", _middle, "left", mtu);
        VethPair.Connect(_right, "eth0", _middle, "right", mtu);
        _left.AddAddress("eth0", "10.1.0.1/24");
        _right.AddAddress("eth0", "10.1.0.2/24");
        // nodad: the address is usable at once.
        _left.Ip("addr", "add", "fd00::1/64", "dev", "eth0", "nodad");
        _right.Ip("addr", "add", "fd00::2/64", "dev", "eth0", "nodad");
    }
}
