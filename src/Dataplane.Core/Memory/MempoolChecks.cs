using System.Diagnostics;
using Dataplane.Packets;

namespace Dataplane.Memory;

/// <summary>What only Debug builds look for: a buffer freed twice, and a buffer freed into a pool that it is not of.</summary>
internal static unsafe class MempoolChecks
{
    private const uint InPool = 0x4C4F4F50;
    private const uint OutOfPool = 0x54554F21;

    [Conditional("DEBUG")]
    public static void OnCreate(Mbuf* mbuf) => mbuf->State = InPool;

    [Conditional("DEBUG")]
    public static void OnGet(ReadOnlySpan<Packet> burst)
    {
        foreach (Packet packet in burst)
            packet.Mbuf->State = OutOfPool;
    }

    /// <exception cref="InvalidOperationException">The program freed what it did not own.</exception>
    [Conditional("DEBUG")]
    public static void OnPut(ref MempoolHeader pool, ReadOnlySpan<Packet> burst)
    {
        foreach (Packet packet in burst)
        {
            byte* address = (byte*)packet.Mbuf;
            if (address < pool.Elements || address >= pool.ElementsEnd)
                throw new InvalidOperationException($"The packet at 0x{(nuint)address:x} is freed into a mempool that it is not of");
            if (packet.Mbuf->State != OutOfPool)
                throw new InvalidOperationException($"The packet at 0x{(nuint)address:x} is freed twice");
            packet.Mbuf->State = InPool;
        }
    }
}
