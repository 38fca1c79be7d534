using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Tests.Peers;

/// <summary>Leaves others little address space for a moment, so that it runs alone.</summary>
[Collection(nameof(PeerAddressSpaceTests))]
[CollectionDefinition(nameof(PeerAddressSpaceTests), DisableParallelization = true)]
public sealed class PeerAddressSpaceTests
{
    [Fact]
    public void A_peer_cannot_take_all_address_space()
    {
        const long Most = 1L << 47;
        const long Least = 16 << 20;
        // A file without a page, mapped again and again: each part half as long as the last that was too long.
        using var file = new SharedFile(Most);
        var mapped = new List<PeerMemory>();
        for (long length = Most; length >= Least;)
        {
            try
            {
                mapped.Add(PeerMemory.Map(file.Handle, 0, (ulong)length, "region 0"));
            }
            catch (PeerViolationException)
            {
                length /= 2;
            }
        }

        var thread = new Thread(() => { }, maxStackSize: 1 << 30);
        thread.Start();
        thread.Join();
        Assert.NotEmpty(mapped);
        mapped.ForEach(memory => memory.Release());
        Assert.Equal(0, file.MappingCount);
    }
}
