using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Vhost;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>A front end whose messages keep the rules, and which writes anything into its rings while frames flow. What happens depends on who is faster.</summary>
internal sealed class VhostRingFuzzer : Fuzzer
{
    private readonly TemporaryFolder _folder = new();

    public VhostRingFuzzer(int seed) =>
        Rig = new FuzzRig(seed, _folder, interrupts: seed % 2 == 1, $"net_vhost0,iface={Socket}");

    protected override FuzzRig Rig { get; }

    private string Socket => _folder["vhost.sock"];

    public override void Step(Random random)
    {
        VirtioFeatures features = VirtioFeatures.UserProtocolFeatures | VirtioFeatures.Version1;
        foreach (VirtioFeatures feature in (ReadOnlySpan<VirtioFeatures>)
            [VirtioFeatures.NetMrgRxbuf, VirtioFeatures.RingIndirectDesc, VirtioFeatures.RingEventIdx, VirtioFeatures.RingPacked, VirtioFeatures.InOrder, VirtioFeatures.NetCsum])
            features |= random.OneIn(2) ? feature : VirtioFeatures.None;
        using var frontEnd = new FrontEnd(Socket);
        frontEnd.Start(features, size: 1 << random.Next(2, 8));
        FuzzRing[] rings = [.. frontEnd.Rings.Select(ring => FuzzRing.Of(frontEnd, ring))];
        bool canSignal = true;
        for (int i = random.Next(1, 400); i > 0; i--)
        {
            Array.ForEach(rings, ring => ring.Offer(random));
            FrontEndRing one = random.Pick(frontEnd.Sender, frontEnd.Receiver);
            if (random.OneIn(30))
                random.Pick(rings).Spoil(random);
            if (random.OneIn(8) && canSignal)
                one.Kick.Signal();
            if (random.OneIn(300))
            {
                FuzzFiles.Spoil(random, random.Pick(one.Kick, one.Call).Handle);
                canSignal = false;
            }

            if (random.OneIn(1000))
            {
                // This process's own mapping is not guarded: nothing may touch it from here on.
                frontEnd.File.Resize(random.Next(FrontEnd.Length));
                Thread.Sleep(random.Next(10));
                return;
            }

            if (random.OneIn(4))
                Thread.Yield();
            else
                Thread.SpinWait(random.Next(100));
        }
    }

    protected override void ServeGoodPeer() => VhostFuzzer.ServeGoodPeer(Rig, Socket);
}
