using System.Net;
using System.Net.Sockets;
using Dataplane.Testing;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Vhost;

/// <summary>The way between a guest and a namespace of this machine through l2fwd.</summary>
/// <param name="Nic">The guest's end.</param>
/// <param name="Host">The other end.</param>
/// <param name="HostAddress">The namespace's IPv4 address.</param>
/// <param name="GuestAddress">The guest's, of the same network of 24 bits.</param>
/// <param name="Mtu">Of both ends, in bytes.</param>
internal sealed record VhostLink(VhostNic Nic, NetworkNamespace Host, string HostAddress, string GuestAddress, int Mtu)
{
    private const int Patience = 60_000;

    /// <summary>Pings of a frame that is copied as a whole, one that fills a frame of Ethernet, and one of several buffers.</summary>
    private static readonly int[] s_payloads = [56, 1472, 8000];

    /// <summary>Gives the guest's NIC its address; comes back when a ping is answered.</summary>
    public void Configure(Guest guest)
    {
        guest.LoadModule("virtio_net");
        guest.Run($"""
            iface=$(basename {Nic.SysfsPattern}/net/*)
            ip link set $iface mtu {Mtu} up && ip addr replace {GuestAddress}/24 dev $iface
            for i in $(seq 50); do ping -q -c 1 -W 2 {HostAddress} && exit; done
            exit 1
            """);
    }

    /// <summary>Takes the guest's NIC from its driver and gives it back, which resets it.</summary>
    public void ResetNic(Guest guest)
    {
        guest.Run($"""
            cd /sys/bus/virtio/drivers/virtio_net
            device=$(basename {Nic.SysfsPattern})
            echo $device >unbind && echo $device >bind
            """);
        Configure(guest);
    }

    /// <summary>Sends echo requests of several sizes from either end, each of which must be answered.</summary>
    public void Ping(Guest guest)
    {
        foreach (int payload in s_payloads)
        {
            // One by one: where some are answered, ping does not wait for a late answer to another.
            string command = $"ping -q -c 1 -W 20 -M do -s {payload}";
            guest.Run($"for i in 1 2 3; do {command} {HostAddress} || exit; done");
            Host.Run("sh", "-c", $"for i in 1 2 3; do {command} {GuestAddress} || exit; done");
        }
    }

    /// <summary>Lets the guest send echo requests as fast as they are answered, and at least 100 in a second.</summary>
    public GuestCommand Flood(Guest guest) => guest.Start($"exec ping -q -f -s 1472 {HostAddress}");

    /// <summary>Sends bytes from the guest to the host by TCP, and the same back, which must be what the guest has sent.</summary>
    public void Transfer(Guest guest, int bytes)
    {
        using TcpListener listener = Host.Invoke(() => new TcpListener(IPAddress.Parse(HostAddress), 0));
        listener.Start();
        Task echo = Task.Run(() => Echo(listener));
        ShellResult result = guest.TryRun($"""
            cd /run
            head -c {bytes} /dev/urandom >sent
            timeout {Patience / 1000} nc -N {HostAddress} {((IPEndPoint)listener.LocalEndpoint).Port} <sent >received
            cmp sent received
            """);
        listener.Stop();
        Assert.True(result.ExitCode == 0, $"{result}");
        echo.GetAwaiter().GetResult();
    }

    private static void Echo(TcpListener listener)
    {
        using Socket socket = listener.AcceptSocket();
        socket.ReceiveTimeout = socket.SendTimeout = Patience;
        using var stream = new NetworkStream(socket);
        using var all = new MemoryStream();
        stream.CopyTo(all);
        stream.Write(all.GetBuffer().AsSpan(0, (int)all.Length));
    }
}
