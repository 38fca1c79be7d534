using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Rings;

namespace Dataplane.Vdev.Ring;

/// <summary>A ring of packets as a struct, so that the queues are compiled for each kind and call it without dispatch.</summary>
internal interface IPacketRing : IDisposable
{
    int Count { get; }

    int Enqueue(ReadOnlySpan<Packet> burst);

    int Dequeue(Span<Packet> burst);
}

/// <summary>Between one sending and one receiving lcore.</summary>
internal readonly struct SpscPacketRing(SpscRing<Packet> ring) : IPacketRing
{
    public int Count => ring.Count;

    public static SpscPacketRing Create(int capacity) => new(new SpscRing<Packet>(capacity));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Enqueue(ReadOnlySpan<Packet> burst) => ring.EnqueueBurst(burst);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Dequeue(Span<Packet> burst) => ring.DequeueBurst(burst);

    public void Dispose() => ring.Dispose();
}

/// <summary>Between all ports that attach to it by name.</summary>
internal readonly struct MpmcPacketRing(MpmcRing<Packet> ring) : IPacketRing
{
    public int Count => ring.Count;

    public static MpmcPacketRing Create(int capacity) => new(new MpmcRing<Packet>(capacity));

    public int Enqueue(ReadOnlySpan<Packet> burst) => ring.EnqueueBurst(burst);

    public int Dequeue(Span<Packet> burst) => ring.DequeueBurst(burst);

    public void Dispose() => ring.Dispose();
}
