using System.Net;
using Dataplane.Memory;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Kernel;

namespace Dataplane.Vdev.Tests.AfXdp;

/// <summary>Two hosts behind two ports, over veth pairs with checksums in the frames, which XDP cannot add.</summary>
[Collection(KernelPortsCollection.Name)]
public sealed class AfXdpTrafficTests : IDisposable
{
    private readonly NetworkNamespace _left = NetworkNamespace.Create();
    private readonly NetworkNamespace _middle = NetworkNamespace.Create();
    private readonly NetworkNamespace _right = NetworkNamespace.Create();

    public void Dispose()
    {
        _left.Dispose();
        _middle.Dispose();
        _right.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData(",shared_umem=1")]
    [InlineData(",busy_budget=0")]
    public void Ping_and_TCP_pass_both_ways(string keys)
    {
        Connect(_left, "left", "10.1.0.1/24");
        Connect(_right, "right", "10.1.0.2/24");
        string[] vdevs = ["net_af_xdp0,iface=left" + keys, "net_af_xdp1,iface=right" + keys];
        using KernelPort ports = new KernelPort(_middle, new MempoolOptions { Count = 8192 }, null, vdevs).Start();
        using (new ForwardingLoop(ports.Ports[0], ports.Ports[1]))
        {
            Transfers.Ping(_left, "10.1.0.2", 56);
            Transfers.Ping(_left, "10.1.0.2", 20_000);
            Transfers.Tcp(_left, _right, IPAddress.Parse("10.1.0.2"), 20_000_000);
            Transfers.Tcp(_right, _left, IPAddress.Parse("10.1.0.1"), 20_000_000);
        }

        Assert.All(ports.Ports, port => Assert.Equal(0ul, port.GetStatistics().InputErrors + port.GetStatistics().OutputErrors));
        foreach (Ports.Port port in ports.Ports)
            port.Stop();
        Assert.Equal(ports.Pool.Capacity, ports.FreeBuffers);
    }

    private void Connect(NetworkNamespace host, string near, string address)
    {
        VethPair.Connect(host, "eth0", _middle, near);
        host.Run("ethtool", "-K", "eth0", "tx", "off");
        host.AddAddress("eth0", address);
    }
}
