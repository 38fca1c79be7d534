using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vdev.Memif;
using Dataplane.Vdev.Tests.Memif;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>A client whose messages keep the rules, and which writes anything into its rings while frames flow. What happens depends on who is faster.</summary>
internal sealed unsafe class MemifRingFuzzer : Fuzzer
{
    private const int Size = 16, BufferLength = 2048;

    private readonly TemporaryFolder _folder = new();

    public MemifRingFuzzer(int seed) => Rig = new FuzzRig(
        seed, _folder, interrupts: seed % 2 == 1, MemifRig.Device(0, "server", Socket));

    protected override FuzzRig Rig { get; }

    private string Socket => _folder["memif.sock"];

    public override void Step(Random random)
    {
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket)
            .Connect(random.Pick(MemifRingLayout.Lines64, MemifRingLayout.Lines128), isSealed: random.OneIn(2));
        MemifRing c2s = client.C2s;
        MemifRing s2c = client.S2c;
        bool canSignal = true;
        for (int i = random.Next(1, 400); i > 0; i--)
        {
            PutFrames(random, client, c2s);
            *s2c.Head = (ushort)(*s2c.Tail + Size);
            if (random.OneIn(30))
                random.Spoil(random.Pick(c2s, s2c));
            if (random.OneIn(1000))
            {
                // This process's own mapping is not guarded: nothing may touch it from here on.
                _ = Libc.Ftruncate(client.File!.Handle, random.Next((int)client.Length));
                Thread.Sleep(random.Next(10));
                return;
            }

            if (random.OneIn(8) && canSignal)
                client.Event.Signal();
            if (random.OneIn(300))
            {
                FuzzFiles.Spoil(random, client.Event.Handle);
                canSignal = false;
            }

            if (random.OneIn(4))
                Thread.Yield();
            else
                Thread.SpinWait(random.Next(100));
        }
    }

    protected override void ServeGoodPeer()
    {
        ulong received = Rig.Received;
        using RawMemifPeer client = RawMemifPeer.ConnectTo(Socket).Connect();
        *(MemifDescriptor*)client.C2s.Descriptors = new MemifDescriptor { Length = 64, Offset = client.Buffers };
        Volatile.Write(ref *client.C2s.Head, 1);
        client.Event.Signal();
        Rig.WaitUntil(() => Rig.Received != received, "a client that keeps the rules is not served");
    }

    /// <summary>Frames as they should be, chained now and then, into what is free.</summary>
    private static void PutFrames(Random random, RawMemifPeer client, MemifRing ring)
    {
        ushort head = *ring.Head;
        int free = Size - (ushort)(head - Volatile.Read(ref *ring.Tail));
        for (; free > 0 && !random.OneIn(4); free--)
        {
            int slot = head++ % Size;
            ((MemifDescriptor*)ring.Descriptors)[slot] = new MemifDescriptor
            {
                Flags = free > 1 && random.OneIn(4) ? MemifNumbers.Next : (ushort)0,
                Length = (uint)random.Next(0, BufferLength),
                Offset = client.Buffers + ((uint)slot * BufferLength),
            };
        }

        Volatile.Write(ref *ring.Head, head);
    }
}
