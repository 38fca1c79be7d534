using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace L2Fwd.Forwarding;

/// <summary>
/// What passed on a route. The route's lcore writes it, the printer reads it; padding keeps the cache lines of the
/// counters free of any neighbour on the heap.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 3 * LinePair)]
internal sealed class RouteStatistics
{
    private const int LinePair = 128;

    [FieldOffset(LinePair)] private ulong _received;
    [FieldOffset(LinePair + 8)] private ulong _sent;
    [FieldOffset(LinePair + 16)] private ulong _dropped;

    /// <summary>Packets taken from the source port.</summary>
    public ulong Received => Volatile.Read(ref _received);

    /// <summary>Packets that the destination port took.</summary>
    public ulong Sent => Volatile.Read(ref _sent);

    /// <summary>Packets that it did not take.</summary>
    public ulong Dropped => Volatile.Read(ref _dropped);

    /// <summary>Counts a burst. Only on the route's lcore.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Count(int received, int sent)
    {
        _received += (uint)received;
        _sent += (uint)sent;
        _dropped += (uint)(received - sent);
    }
}
