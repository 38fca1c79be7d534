using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Vdev.Memif;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Memif;
using Microsoft.Win32.SafeHandles;
using Xunit.Sdk;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>
/// A server of our clients, copying and zero-copy ones, whose messages keep the rules, and which writes anything into the
/// rings while frames flow. What happens depends on who is faster. There are several clients, because each waits between
/// connections.
/// </summary>
internal sealed unsafe class MemifClientRingFuzzer : Fuzzer
{
    private const int Clients = 12, MostBytes = 2100;

    private readonly TemporaryFolder _folder = new();
    private PeerListener? _listener;

    public MemifClientRingFuzzer(int seed) => Rig = new FuzzRig(
        seed,
        _folder,
        interrupts: seed % 2 == 1,
        [.. Enumerable.Range(0, Clients).Select(id => MemifRig.Device(id, "client", Socket, $"id={id},rsize={1 + (id % 8)},zero-copy={(id % 2 == 0 ? "yes" : "no")}"))]);

    protected override FuzzRig Rig { get; }

    private string Socket => _folder["memif.sock"];

    public override void Step(Random random)
    {
        _listener ??= new PeerListener("fuzz", PeerAddress.File("fuzz", Socket), PeerSocketKind.Messages);
        using RawMemifPeer server = RawMemifPeer.Accept(_listener);
        try
        {
            server.AcceptAll(MemifRingLayout.Lines64);
        }
        catch (XunitException)
        {
            // The client has waited too long for it.
            return;
        }

        // That may look like the other layout.
        if (random.OneIn(30))
            random.Spoil(random.Pick(server.C2s, server.S2c));
        server.ConfirmConnection();
        for (int i = random.Next(1, 400); i > 0; i--)
        {
            PutFrames(random, server.S2c);
            if (!random.OneIn(3))
                Volatile.Write(ref *server.C2s.Tail, Volatile.Read(ref *server.C2s.Head));
            if (random.OneIn(40))
                random.Spoil(random.Pick(server.C2s, server.S2c));
            if (random.OneIn(8))
                Signal(random.Pick(CollectionsMarshal.AsSpan(server.Files)));
            if (random.OneIn(2000))
            {
                FuzzFiles.Spoil(random, random.Pick(CollectionsMarshal.AsSpan(server.Files)));
                return;
            }

            if (random.OneIn(4))
                Thread.Yield();
            else
                Thread.SpinWait(random.Next(100));
        }
    }

    protected override void Quiet()
    {
        _listener?.Dispose();
        _listener = null;
    }

    protected override void ServeGoodPeer()
    {
        foreach (int id in new[] { 4, 7 })
        {
            using var server = new MemifRig(MemifRig.Device(0, "server", Socket, $"id={id}"));
            server.Start();
            server.WaitForLink(server[0]);
            ulong received = Rig.Received;
            Rig.WaitUntil(
                () => server.TrySend(server[0], TestFrame.Create(64)) && Rig.Received != received,
                "a server that keeps the rules is not served");
        }
    }

    public override void Dispose()
    {
        Quiet();
        base.Dispose();
    }

    private static void Signal(SafeFileHandle file)
    {
        ulong one = 1;
        _ = Libc.Write(file, &one, sizeof(ulong));
    }

    /// <summary>Frames as they should be, chained now and then, into what the client has posted.</summary>
    private static void PutFrames(Random random, MemifRing ring)
    {
        ushort tail = *ring.Tail;
        int posted = Math.Min((ushort)(Volatile.Read(ref *ring.Head) - tail), ring.Size);
        for (; posted > 0 && !random.OneIn(4); posted--)
        {
            MemifDescriptor* descriptor = (MemifDescriptor*)ring.Descriptors + (tail++ % ring.Size);
            descriptor->Length = (uint)random.Next(random.OneIn(50) ? MostBytes : Mbuf.DefaultDataRoom);
            descriptor->Flags = posted > 1 && random.OneIn(4) ? MemifNumbers.Next : (ushort)0;
        }

        Volatile.Write(ref *ring.Tail, tail);
    }
}
