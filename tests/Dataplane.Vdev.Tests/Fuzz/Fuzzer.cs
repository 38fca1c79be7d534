namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>Attacks ports, step by step: each is a connection or a few, and depends on seed and number alone.</summary>
internal abstract class Fuzzer : IDisposable
{
    /// <summary>The fuzzers by name.</summary>
    public static IReadOnlyDictionary<string, Func<int, Fuzzer>> All { get; } = new Dictionary<string, Func<int, Fuzzer>>(StringComparer.Ordinal)
    {
        ["memif-server"] = seed => new MemifServerFuzzer(seed),
        ["memif-client"] = seed => new MemifClientFuzzer(seed),
        ["memif-rings"] = seed => new MemifRingFuzzer(seed),
        ["memif-client-rings"] = seed => new MemifClientRingFuzzer(seed),
        ["vhost"] = seed => new VhostFuzzer(seed),
        ["vhost-rings"] = seed => new VhostRingFuzzer(seed),
        ["virtio-user"] = seed => new VirtioUserFuzzer(seed),
        ["virtio-rings"] = seed => new VirtioRingFuzzer(seed),
    };

    protected abstract FuzzRig Rig { get; }

    public abstract void Step(Random random);

    /// <summary>Throws if something has happened that ends no connection.</summary>
    public void Check() => Rig.Check();

    /// <summary>Without peers: nothing stays, nothing is lost, and peers that keep the rules are served.</summary>
    public void CheckDeeply()
    {
        Quiet();
        Rig.CheckNothingStays();
        ServeGoodPeer();
    }

    public virtual void Dispose() => Rig.Dispose();

    /// <summary>Ends what connections there are.</summary>
    protected virtual void Quiet()
    {
    }

    /// <summary>Throws if a peer that keeps the rules is not served.</summary>
    protected abstract void ServeGoodPeer();
}
