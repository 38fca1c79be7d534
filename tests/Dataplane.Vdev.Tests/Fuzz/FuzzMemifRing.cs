using Dataplane.Vdev.Memif;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>What either side of memif may do to a ring of the other.</summary>
internal static unsafe class FuzzMemifRing
{
    /// <summary>Writes anything anywhere in the ring.</summary>
    public static void Spoil(this Random random, MemifRing ring)
    {
        switch (random.Next(4))
        {
            case 0:
                *ring.Head = (ushort)random.Odd();
                break;
            case 1:
                *ring.Tail = (ushort)random.Odd();
                break;
            default:
                random.Mutate(new Span<byte>(ring.Cookie, (int)(ring.Descriptors - (byte*)ring.Cookie) + (ring.Size * MemifRingLayout.DescriptorLength)));
                break;
        }
    }
}
