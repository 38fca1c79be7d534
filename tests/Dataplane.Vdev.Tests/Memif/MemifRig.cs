using Dataplane.Memory;
using Dataplane.Vdev.Tests.Peers;

namespace Dataplane.Vdev.Tests.Memif;

/// <summary>A runtime with memif ports; the calling thread polls them.</summary>
internal sealed class MemifRig : PeerRig
{
    public MemifRig(params string[] vdevs)
        : base(vdevs)
    {
    }

    public MemifRig(MempoolOptions pool, params string[] vdevs)
        : base(pool, vdevs)
    {
    }

    /// <summary>The keys of a port at a socket in a folder.</summary>
    public static string Device(int number, string role, string socket, string keys = "") =>
        $"net_memif{number},role={role},socket={socket},socket-abstract=no{(keys.Length == 0 ? "" : ",")}{keys}";

    public new MemifRig Start(int queues = 1, bool interrupts = false)
    {
        base.Start(queues, interrupts);
        return this;
    }

    public new MemifRig Connect(int queues = 1)
    {
        base.Connect(queues);
        return this;
    }
}
