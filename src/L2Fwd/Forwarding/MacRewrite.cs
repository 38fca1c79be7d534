using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Packets;
using Dataplane.Ports;

namespace L2Fwd.Forwarding;

/// <summary>
/// Rewrites the addresses of a frame as DPDK's l2fwd does: destination 02:00:00:00:00:PORT, source the address of the
/// port that it leaves by. Both stand next to each other at the start of the frame, so two stores do it.
/// </summary>
internal sealed class MacRewrite
{
    private const int AddressBytes = 2 * MacAddress.Length;

    private readonly ulong _first8;
    private readonly uint _last4;

    public MacRewrite(Port destination)
    {
        Span<byte> addresses = stackalloc byte[AddressBytes];
        new MacAddress([0x02, 0, 0, 0, 0, (byte)destination.Id]).CopyTo(addresses);
        destination.MacAddress.CopyTo(addresses[MacAddress.Length..]);
        _first8 = MemoryMarshal.Read<ulong>(addresses);
        _last4 = MemoryMarshal.Read<uint>(addresses[sizeof(ulong)..]);
    }

    /// <summary>Rewrites every frame of a burst; a runt without room for addresses passes as it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Apply(ReadOnlySpan<Packet> burst)
    {
        ulong first8 = _first8;
        uint last4 = _last4;
        foreach (Packet packet in burst)
        {
            if (packet.Mbuf->DataLength < AddressBytes)
                continue;
            byte* frame = packet.DataPointer;
            Unsafe.WriteUnaligned(frame, first8);
            Unsafe.WriteUnaligned(frame + sizeof(ulong), last4);
        }
    }
}
