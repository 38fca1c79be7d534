using System.Runtime.InteropServices;
using Dataplane.Testing;
using Dataplane.Vdev.Memif;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Memif;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>The server of our clients, of which there are several, because each waits between connections.</summary>
internal sealed class MemifClientFuzzer : Fuzzer
{
    private const int Clients = 12;

    private readonly TemporaryFolder _folder = new();
    private readonly List<FuzzPeer> _peers = [];
    private PeerListener? _listener;

    public MemifClientFuzzer(int seed) => Rig = new FuzzRig(
        seed,
        _folder,
        interrupts: seed % 2 == 1,
        [.. Enumerable.Range(0, Clients).Select(id => MemifRig.Device(id, "client", Socket, $"id={id},rsize={1 + (id % 8)},zero-copy={(id % 3 == 0 ? "yes" : "no")}"))]);

    protected override FuzzRig Rig { get; }

    private string Socket => _folder["memif.sock"];

    private PeerListener Listener => _listener ??= new PeerListener("fuzz", PeerAddress.File("fuzz", Socket), PeerSocketKind.Messages);

    public override void Step(Random random)
    {
        using var files = new FuzzFiles();
        for (int i = 0; i < 50 && _peers.Count == 0; i++)
        {
            while (_peers.Count < Clients && Listener.TryAccept() is { } socket)
                _peers.Add(new FuzzPeer(socket));
            if (_peers.Count == 0)
                Thread.Sleep(10);
        }

        foreach (FuzzPeer peer in _peers)
            Talk(random, peer, files);
        HangUp();
        if (random.OneIn(50))
            Quiet();
    }

    protected override void Quiet()
    {
        HangUp();
        _listener?.Dispose();
        _listener = null;
    }

    protected override void ServeGoodPeer()
    {
        using var server = new MemifRig(MemifRig.Device(0, "server", Socket, "id=4"));
        server.Start();
        server.WaitForLink(server[0]);
        Rig.WaitUntil(() => Rig.Attacked[4].GetLink().IsUp, "a server that keeps the rules has no client");
    }

    public override void Dispose()
    {
        Quiet();
        base.Dispose();
    }

    private void HangUp()
    {
        _peers.ForEach(peer => peer.Dispose());
        _peers.Clear();
    }

    private static void Talk(Random random, FuzzPeer peer, FuzzFiles files)
    {
        Say(random, peer, RawMemifPeerHello(random), files);
        for (int i = 0; i < 40 && !peer.IsClosed && !random.OneIn(30); i++)
        {
            ReadOnlySpan<byte> asked = peer.Receive(MemifMessage.Length, 5);
            if (asked.Length != MemifMessage.Length)
                continue;
            MemifMessageType type = MemoryMarshal.Read<MemifMessage>(asked).Type;
            Say(random, peer, new MemifMessage { Type = type == MemifMessageType.Connect ? MemifMessageType.Connected : MemifMessageType.Ack }, files);
            if (type is MemifMessageType.Connect or MemifMessageType.Disconnect)
                i += random.Next(10, 40);
        }
    }

    private static MemifMessage RawMemifPeerHello(Random random)
    {
        var hello = new MemifMessage { Type = MemifMessageType.Hello };
        hello.Hello.MinVersion = MemifNumbers.Version;
        hello.Hello.MaxVersion = MemifNumbers.Version;
        hello.Hello.MaxRegion = (ushort)(random.OneIn(8) ? random.Odd() : 255);
        hello.Hello.MaxC2sRing = (ushort)(random.OneIn(8) ? random.Odd() : 254);
        hello.Hello.MaxS2cRing = (ushort)(random.OneIn(8) ? random.Odd() : 254);
        hello.Hello.MaxLog2RingSize = (byte)(random.OneIn(8) ? random.Odd() : 14);
        return hello;
    }

    private static void Say(Random random, FuzzPeer peer, in MemifMessage message, FuzzFiles files)
    {
        var script = new List<FuzzMessage> { new(MemoryMarshal.AsBytes(new ReadOnlySpan<MemifMessage>(in message)).ToArray()) };
        if (random.OneIn(12))
            random.Spoil(script, files);
        foreach (FuzzMessage said in script)
            peer.Send(said.Bytes, said.Files);
    }
}
