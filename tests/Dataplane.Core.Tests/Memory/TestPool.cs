using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Core.Tests.Memory;

/// <summary>Ordinary memory with one pool in it, and the calling thread as one of its lcores where a test asks for it.</summary>
internal sealed class TestPool : IDisposable
{
    public const int Lcores = 4;

    public TestPool(int count = 64, int cacheSize = 0, int dataRoom = 256, MemoryOptions? memory = null)
    {
        Memory = DataplaneMemory.Create(memory ?? new MemoryOptions { NoHuge = true }, NullLogger.Instance);
        try
        {
            Pool = NewPool(count, cacheSize, dataRoom);
        }
        catch
        {
            Memory.Dispose();
            throw;
        }
    }

    public DataplaneMemory Memory { get; }

    public Mempool Pool { get; }

    public Mempool NewPool(int count, int cacheSize = 0, int dataRoom = 256) =>
        new(Memory, new MempoolOptions { Count = count, CacheSize = cacheSize, DataRoom = dataRoom }, Lcores);

    /// <summary>Makes the calling thread a lcore until what is returned is disposed.</summary>
    public IDisposable EnterLcore(int index)
    {
        LcoreContext.Enter(Memory.Identity, index);
        return new Leaving();
    }

    public Packet Allocate(ReadOnlySpan<byte> data = default)
    {
        Assert.True(Pool.TryAllocate(out Packet packet));
        Assert.True(packet.TryAppend(data.Length, out Span<byte> room));
        data.CopyTo(room);
        return packet;
    }

    public void Dispose()
    {
        Pool.Dispose();
        Memory.Dispose();
    }

    private sealed class Leaving : IDisposable
    {
        public void Dispose() => LcoreContext.Leave();
    }
}
