using System.Runtime.InteropServices;
using Dataplane.Testing;
using Dataplane.Vdev.Memif;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Memif;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>Clients of our servers.</summary>
internal sealed class MemifServerFuzzer : Fuzzer
{
    private const string Secret = "known";

    private readonly TemporaryFolder _folder = new();

    public MemifServerFuzzer(int seed) => Rig = new FuzzRig(
        seed,
        _folder,
        interrupts: seed % 2 == 1,
        MemifRig.Device(0, "server", Socket, "id=0"),
        MemifRig.Device(1, "server", Socket, $"id=1,secret={Secret}"));

    protected override FuzzRig Rig { get; }

    private string Socket => _folder["memif.sock"];

    public override void Step(Random random)
    {
        using var files = new FuzzFiles();
        var clients = new List<(FuzzPeer Peer, Queue<FuzzMessage> Script)>();
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            List<FuzzMessage> script = MakeScript(random, files);
            random.Spoil(script, files);
            if (FuzzPeer.TryConnect(Socket, PeerSocketKind.Messages) is { } peer)
                clients.Add((peer, new Queue<FuzzMessage>(script)));
        }

        while (clients.Count != 0)
        {
            (FuzzPeer peer, Queue<FuzzMessage> script) = random.Pick(CollectionsMarshal.AsSpan(clients));
            if (script.TryDequeue(out FuzzMessage? message))
                peer.Send(message.Bytes, message.Files);
            if (!random.OneIn(4))
                peer.Receive(MemifMessage.Length, random.Next(3));
            if (script.Count != 0 && !peer.IsClosed && !random.OneIn(40))
                continue;
            if (random.OneIn(2))
                peer.Receive(MemifMessage.Length, random.Next(8));
            peer.Dispose();
            clients.Remove((peer, script));
        }
    }

    protected override unsafe void ServeGoodPeer()
    {
        ulong received = Rig.Received;
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect();
        *(MemifDescriptor*)client.C2s.Descriptors = new MemifDescriptor { Length = 64, Offset = client.Buffers };
        Volatile.Write(ref *client.C2s.Head, 1);
        client.Event.Signal();
        Rig.WaitUntil(() => Rig.Received != received, "a client that keeps the rules is not served");
    }

    private static List<FuzzMessage> MakeScript(Random random, FuzzFiles files)
    {
        int log2 = random.Next(1, 8);
        uint ring = (uint)(random.Pick(MemifRingLayout.Lines64, MemifRingLayout.Lines128).LengthOf(log2) + (random.Next(2) * 4096));
        MemifMessage init = RawMemifPeer.Init((uint)random.Next(2));
        if (!random.OneIn(3))
            MemifText.Write(init.Init.Secret, random.OneIn(4) ? "wrong" : Secret);
        var script = new List<FuzzMessage> { Message(init) };
        int regions = random.Next(1, 4);
        for (int i = 0; i < regions; i++)
        {
            ulong length = (2 * ring) + (ulong)random.Next(1 << 18);
            SafeFileHandle file = files.Memory((long)length, random.Next(2) * Linux.Libc.F_SEAL_SHRINK);
            WriteRing(random, file, 0, log2);
            WriteRing(random, file, ring, log2);
            script.Add(Message(RawMemifPeer.AddRegion(i, length), file));
        }

        foreach (bool isC2s in new[] { true, false })
        {
            MemifMessage add = RawMemifPeer.AddRing(isC2s, isC2s ? 0 : ring, log2, region: random.Next(regions));
            script.Add(Message(add, files.Event(random)));
        }

        script.Add(Message(new MemifMessage { Type = MemifMessageType.Connect }));
        return script;
    }

    /// <summary>A ring with its cookie and, behind it, anything.</summary>
    private static void WriteRing(Random random, SafeFileHandle file, long offset, int log2)
    {
        byte[] ring = new byte[MemifRingLayout.Lines64.LengthOf(log2)];
        if (random.OneIn(2))
            random.Mutate(ring);
        BitConverter.TryWriteBytes(ring, MemifNumbers.Cookie);
        RandomAccess.Write(file, ring, offset);
    }

    private static FuzzMessage Message(in MemifMessage message, params SafeFileHandle[] files) =>
        new(MemoryMarshal.AsBytes(new ReadOnlySpan<MemifMessage>(in message)).ToArray(), files);
}
