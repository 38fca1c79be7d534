using System.Buffers;
using Microsoft.Extensions.ObjectPool;

namespace L2Fwd.Statistics;

/// <summary>Buffers that text is rendered into, used again and again: statistics leave nothing to collect.</summary>
internal static class TextBuffers
{
    private const int InitialCapacity = 4096;

    /// <summary>A pool of empty buffers.</summary>
    public static ObjectPool<ArrayBufferWriter<byte>> CreatePool() =>
        new DefaultObjectPool<ArrayBufferWriter<byte>>(new Policy());

    private sealed class Policy : PooledObjectPolicy<ArrayBufferWriter<byte>>
    {
        public override ArrayBufferWriter<byte> Create() => new(InitialCapacity);

        public override bool Return(ArrayBufferWriter<byte> buffer)
        {
            buffer.ResetWrittenCount();
            return true;
        }
    }
}
