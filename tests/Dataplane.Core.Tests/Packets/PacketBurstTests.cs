using Dataplane.Core.Tests.Memory;
using Dataplane.Packets;

namespace Dataplane.Core.Tests.Packets;

public sealed class PacketBurstTests
{
    [Fact]
    public void The_length_of_a_burst_counts_all_segments()
    {
        using var test = new TestPool();
        Packet first = test.Allocate(new byte[60]), second = test.Allocate(new byte[100]);
        Assert.True(second.TryChain(test.Allocate(new byte[200])));
        Packet[] burst = [first, second];

        Assert.Equal(360UL, PacketBurst.TotalLength(burst));
        Assert.Equal(0UL, PacketBurst.TotalLength([]));
        Packet.Free(burst);
    }

    [Fact]
    public void Handles_of_one_packet_are_equal()
    {
        using var test = new TestPool();
        Packet one = test.Allocate(), copy = one, other = test.Allocate();

        Assert.True(one == copy);
        Assert.True(one != other);
        Assert.Equal(one.GetHashCode(), copy.GetHashCode());
        Assert.False(one.Equals((object)other));
        Packet.Free([one, other]);
    }
}
