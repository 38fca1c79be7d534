using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;

namespace Dataplane.Vdev.Tap;

/// <summary>Writes frames to the interface, one system call each, within which the kernel receives it.</summary>
internal sealed unsafe class TapTxQueue(TxQueueContext context, FrameLimit limit) : TxQueue(context)
{
    private int _fd;

    /// <summary>Starts on a queue.</summary>
    public void Attach(int fd) => _fd = fd;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        int done = 0;
        int refused = 0;
        ulong bytes = 0;
        foreach (Packet packet in burst)
        {
            if (!limit.Allows(packet) || packet.SegmentCount > PacketPieces.Max || !TryWrite(packet, out bool written))
                refused++;
            else if (written)
                bytes += (uint)packet.Length;
            else
                break;
            done++;
        }

        Counters->Packets += (uint)(done - refused);
        Counters->Errors += (uint)refused;
        Counters->Bytes += bytes;
        Packet.Free(burst[..done]);
        return done;
    }

    /// <summary>Writes a packet if the kernel takes it now; false if it never does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryWrite(Packet packet, out bool written)
    {
        nint result = packet.SegmentCount == 1
            ? Libc.Write(_fd, packet.DataPointer, (nuint)packet.Length)
            : WriteChained(packet);
        written = result >= 0;
        // A peer may have taken its memory away, in which a packet lies that we have from it: that is EFAULT.
        return written || Errno.Last is not (Errno.EINVAL or Errno.EFAULT);
    }

    private nint WriteChained(Packet packet)
    {
        IoVector* pieces = stackalloc IoVector[PacketPieces.Max];
        return Libc.Writev(_fd, pieces, PacketPieces.List(packet, pieces));
    }
}
