using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.Memif;

public sealed class MemifConnectionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Socket => _folder["memif.sock"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Several_ports_share_a_socket_by_their_ids()
    {
        using var servers = new MemifRig(
            MemifRig.Device(0, "server", Socket, "id=7"), MemifRig.Device(1, "server", Socket, "id=8"), MemifRig.Device(2, "server", Socket));
        using var clients = new MemifRig(MemifRig.Device(0, "client", Socket, "id=8"), MemifRig.Device(1, "client", Socket, "id=7"));
        servers.Start();
        clients.Connect();
        clients.WaitForLink(servers[0]);
        clients.WaitForLink(servers[1]);
        Assert.False(servers[2].GetLink().IsUp);
        Assert.True(clients.TrySend(clients[0], TestFrame.Create(60, 8)));
        Assert.True(clients.TrySend(clients[1], TestFrame.Create(60, 7)));
        Assert.Equal(7, TestFrame.NumberOf(servers.Receive(servers[0])));
        Assert.Equal(8, TestFrame.NumberOf(servers.Receive(servers[1])));
    }

    [Fact]
    public void A_link_is_up_while_both_are_there_and_at_DPDKs_speed()
    {
        using var rig = new MemifRig(MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket));
        var changes = new System.Collections.Concurrent.ConcurrentQueue<bool>();
        rig[0].LinkChanged += (_, link) => changes.Enqueue(link.IsUp);
        Assert.False(rig[0].GetLink().IsUp);
        rig.Connect();
        Assert.Equal("Link up at 100 Gbps FDX Autoneg", rig[0].GetLink().ToString());
        rig[1].Stop();
        rig.WaitForLink(rig[0], isUp: false);
        rig.WaitForLog("net_memif0: ");
        rig.WaitForLog("disconnected: Interface is stopped");
        // The loop raises the event behind what GetLink sees, and what the log has.
        rig.WaitUntil(() => changes.Count == 2, "the events did not come");
        Assert.Equal([true, false], changes);
        rig[1].Start();
        rig.WaitForLink(rig[0]);
        rig.WaitForLink(rig[1]);
        rig.Exchange(rig[1], rig[0], TestFrame.Create(60));
        Assert.Contains(new ExtendedStatistic("peer_connections", 2), rig[0].GetExtendedStatistics());
    }

    [Fact]
    public void Without_a_peer_nothing_is_sent_and_the_caller_keeps_its_packets()
    {
        using MemifRig rig = new MemifRig(MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", _folder["none"])).Start();
        foreach (Port port in new[] { rig[0], rig[1] })
        {
            Assert.False(rig.TrySend(port, TestFrame.Create(60)));
            Assert.Equal(0, port.RxQueues[0].Receive(new Packet[1]));
        }

        rig.WaitForLog($"net_memif1 waits for its peer: {_folder["none"]} does not exist");
    }

    [Fact]
    public void A_packet_outlives_the_connection_that_it_came_by()
    {
        using var stays = new MemifRig(MemifRig.Device(0, "server", Socket));
        stays.Start();
        Packet held;
        using (var leaves = new MemifRig(MemifRig.Device(0, "client", Socket)))
        {
            leaves.Connect();
            Assert.True(leaves.TrySend(leaves[0], TestFrame.Create(1514, 77)));
            held = stays.ReceiveOne(stays[0]);
        }

        stays.WaitForLink(stays[0], isUp: false);
        using (var next = new MemifRig(MemifRig.Device(0, "client", Socket)))
        {
            next.Connect();
            next.Exchange(next[0], stays[0], TestFrame.Create(1514, 1));
            Assert.Equal(TestFrame.Create(1514, 77), held.Data);
        }

        held.Free();
        Assert.Equal(0, stays.Pool.Statistics.InUse);
    }

    [Theory]
    [InlineData("secret=right", "secret=right", null)]
    [InlineData("", "secret=right", null)]
    [InlineData("secret=right", "", "gave no secret")]
    [InlineData("secret=right", "secret=wrong", "gave the wrong secret")]
    [InlineData("secret=right", "secret=righ", "gave the wrong secret")]
    [InlineData("id=1", "id=2", "asked for id 2, which no started port of")]
    public void Only_a_client_with_the_right_secret_and_id_is_let_in(string server, string client, string? refusal)
    {
        using MemifRig rig = new MemifRig(MemifRig.Device(0, "server", Socket, server), MemifRig.Device(1, "client", Socket, client)).Start();
        if (refusal is null)
        {
            rig.WaitForLink(rig[0]);
            return;
        }

        rig.WaitForLog(refusal);
        rig.WaitForLog("net_memif1: ");
        Assert.False(rig[0].GetLink().IsUp);
    }

    [Fact]
    public void A_second_client_of_the_same_id_is_told_who_is_connected_and_gets_its_turn()
    {
        using var server = new MemifRig(MemifRig.Device(0, "server", Socket));
        using var first = new MemifRig(MemifRig.Device(0, "client", Socket));
        using var second = new MemifRig(MemifRig.Device(0, "client", Socket));
        server.Start();
        first.Connect();
        second.Start();
        second.WaitForLog("asked for id 0, to which");
        Assert.True(first[0].GetLink().IsUp);
        first[0].Stop();
        second.WaitForLink(second[0]);
        second.WaitForLink(server[0]);
        second.Exchange(second[0], server[0], TestFrame.Create(60));
    }

    [Fact]
    public void Two_ports_of_one_role_and_id_cannot_share_a_socket()
    {
        DataplaneException refusal = Assert.Throws<DataplaneException>(
            () => new MemifRig(MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "server", Socket)));
        Assert.Contains("net_memif1 cannot be server of id 0", refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Socket));
    }

    [Fact]
    public void The_socket_is_there_while_a_server_is()
    {
        using (new MemifRig(MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket)))
            Assert.True(File.Exists(Socket));
        Assert.False(File.Exists(Socket));
    }

    [Fact]
    public void A_client_with_another_layout_than_the_server_insists_on_is_told_so_by_name()
    {
        using MemifRig rig = new MemifRig(
            MemifRig.Device(0, "server", Socket, "layout=64"), MemifRig.Device(1, "client", Socket, "layout=128")).Start();
        rig.WaitForLog("has laid out its rings with 128-byte lines, where layout=64 of net_memif0 wants 64-byte lines");
        rig.WaitForLog("net_memif1: ");
    }

    [Fact]
    public void A_server_with_fewer_queues_says_which_ring_is_too_many()
    {
        using var server = new MemifRig(MemifRig.Device(0, "server", Socket));
        using var client = new MemifRig(MemifRig.Device(0, "client", Socket));
        server.Start(queues: 1);
        client.Start(queues: 2);
        server.WaitForLog("added C2S ring 1, but net_memif0 has 1 queues in that direction");
    }

    [Fact]
    public void A_server_with_more_queues_leaves_the_others_idle()
    {
        using var server = new MemifRig(MemifRig.Device(0, "server", Socket));
        using var client = new MemifRig(MemifRig.Device(0, "client", Socket));
        server.Start(queues: 3);
        client.Connect(queues: 2);
        client.Exchange(client[0], server[0], TestFrame.Create(60), queue: 1);
        Assert.False(server.TrySend(server[0], TestFrame.Create(60), queue: 2));
        Assert.Equal(0, server[0].RxQueues[2].Receive(new Packet[1]));
    }

    [Fact]
    public void A_port_may_be_configured_anew_with_other_queues()
    {
        using MemifRig rig = new MemifRig(MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket)).Connect();
        rig[0].Stop();
        rig[1].Stop();
        rig.Connect(queues: 2);
        rig.Exchange(rig[1], rig[0], TestFrame.Create(60), queue: 1);
    }

    [Fact]
    public void Abstract_sockets_work_and_warn()
    {
        string name = Path.GetFileName(_folder["abstract"]) + Guid.NewGuid().ToString("N");
        using MemifRig rig = new MemifRig($"net_memif0,role=server,socket={name}", $"net_memif1,socket={name}").Connect();
        rig.Exchange(rig[1], rig[0], TestFrame.Create(60));
        Assert.Contains(rig.Log.Lines, line => line.Contains($"net_memif0: the abstract socket @{name} is seen only within this network namespace", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("role=boss", "'role=boss' of the device 'net_memif0' is not server or client")]
    [InlineData("rsize=15", "a number from 1 to 14")]
    [InlineData("bsize=0", "a number from 1 to 65535")]
    [InlineData("zero-copy=1", "yes or no")]
    [InlineData("id=-1", "a number from 0 to 4294967294")]
    [InlineData("secret=123456789012345678901234", "longer than 23 bytes")]
    [InlineData("layout=32", "64 or 128")]
    [InlineData("mac=01:00:00:00:00:01", "the MAC address of one station")]
    public void A_wrong_key_is_named(string keys, string expected)
    {
        DataplaneException refusal = Assert.ThrowsAny<DataplaneException>(() => new MemifRig($"net_memif0,socket={Socket},socket-abstract=no,{keys}"));
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_old_names_of_the_roles_are_understood_and_said_to_be_old()
    {
        using MemifRig rig = new MemifRig(MemifRig.Device(0, "master", Socket), MemifRig.Device(1, "slave", Socket)).Connect();
        Assert.Contains("net_memif0: role=master is deprecated, use role=server", rig.Log.Lines);
        Assert.Contains("net_memif1: role=slave is deprecated, use role=client", rig.Log.Lines);
    }

    [Fact]
    public void What_a_client_cannot_share_is_refused_when_it_is_configured()
    {
        using var rig = new MemifRig(MemifRig.Device(0, "client", Socket, "rsize=14,bsize=65535"));
        DataplaneException refusal = Assert.Throws<DataplaneException>(() => rig[0].Configure(new PortConfiguration(rig.Pool) { RxQueues = 4, TxQueues = 4 }));
        Assert.Contains("memif reaches 4 GiB", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("server", "")]
    [InlineData("client", "")]
    [InlineData("client", "zero-copy=yes")]
    public void An_interrupt_wakes_a_lcore_that_sleeps_also_after_a_reconnect(string sleeper, string keys)
    {
        using var rig = new MemifRig(MemifRig.Device(0, "server", Socket), MemifRig.Device(1, "client", Socket, keys));
        rig.Start(interrupts: true);
        (Port to, Port from) = sleeper == "server" ? (rig[0], rig[1]) : (rig[1], rig[0]);
        var waiter = new RxWaiter(to.RxQueues);
        for (int round = 0; round < 3; round++)
        {
            rig.WaitForLink(from);
            rig.WaitForLink(to);
            while (waiter.Wait(TimeSpan.Zero))
                Assert.Equal(0, to.RxQueues[0].Receive(new Packet[1]));
            var sender = new Thread(() =>
            {
                Thread.Sleep(50);
                Assert.True(rig.TrySend(from, TestFrame.Create(60)));
            });
            sender.Start();
            Assert.True(waiter.Wait(TimeSpan.FromSeconds(60)));
            sender.Join();
            rig.Receive(to);
            from.Stop();
            rig.WaitForLink(to, isUp: false);
            from.Start();
        }
    }
}
