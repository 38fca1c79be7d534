using Dataplane.Linux;

namespace Dataplane.Memory;

/// <summary>
/// Address space set aside for segments: reserved in large chunks that hold no memory, and handed out from the bottom up.
/// Reserving first keeps the runtime's own mappings from landing between segments, and several instances apart.
/// </summary>
internal sealed unsafe class AddressRange : IDisposable
{
    /// <summary>4 GiB: above everything that is linked at a fixed address, and where DPDK's users look for it.</summary>
    public const ulong DefaultBase = 0x1_0000_0000;

    /// <summary>The smallest IOMMUs translate 39 bits; below this IOVA = VA fits them all.</summary>
    private const ulong DefaultCeiling = 1UL << 39;

    /// <summary>Where user space ends, but for what mmap gives out only if asked for it (47 bits on x86-64, 48 on arm64).</summary>
    private const ulong UserSpaceEnd = 1UL << 47;

    /// <summary>Steps in which a free place is searched, and the alignment of chunks: the largest page of x86-64 (1 GiB).</summary>
    private const ulong Step = 1UL << 30;

    private readonly ulong _searchFrom;
    private readonly ulong _ceiling;
    private readonly nuint _chunkSize;
    private readonly List<Chunk> _chunks = [];

    /// <summary>Reserves the first chunk.</summary>
    /// <param name="baseAddress">Where to look first (<c>--base-virtaddr</c>); null: our default.</param>
    /// <param name="chunkSize">Bytes to reserve at a time; rounded up to whole GiB.</param>
    /// <exception cref="DataplaneException">The process has no such address space left (ulimit -v).</exception>
    public AddressRange(ulong? baseAddress, ulong chunkSize)
    {
        _searchFrom = ByteSize.AlignUp(baseAddress ?? DefaultBase, Step);
        _ceiling = _searchFrom < DefaultCeiling ? DefaultCeiling : UserSpaceEnd;
        _chunkSize = (nuint)ByteSize.AlignUp(chunkSize, Step);
        Reserve(_chunkSize);
    }

    /// <summary>The lowest address of the first chunk; no other live instance has the same.</summary>
    public byte* Base => (byte*)_chunks[0].Address;

    /// <summary>
    /// Where the next segment of this size would start. The address is not taken until <see cref="Commit"/>,
    /// so that a segment that cannot be populated costs no address space.
    /// </summary>
    public byte* Next(nuint length, nuint alignment)
    {
        if (Find(length, alignment) is { } chunk)
            return (byte*)ByteSize.AlignUp(chunk.Free, alignment);
        Reserve((nuint)Math.Max(_chunkSize, ByteSize.AlignUp(length + alignment, Step)));
        return (byte*)ByteSize.AlignUp(_chunks[^1].Free, alignment);
    }

    /// <summary>Takes the address that <see cref="Next"/> returned.</summary>
    public void Commit(byte* address, nuint length) =>
        _chunks.Single(c => c.Contains((ulong)address)).Free = (ulong)address + length;

    /// <summary>Makes a place that was mapped but not committed a mere reservation again.</summary>
    public static void Restore(byte* address, nuint length) =>
        Libc.MmapAnonymous(
            address, length, Libc.PROT_NONE, Libc.MAP_PRIVATE | Libc.MAP_NORESERVE | Libc.MAP_FIXED);

    /// <summary>Unmaps everything, segments that were mapped into the chunks included.</summary>
    public void Dispose()
    {
        foreach (Chunk chunk in _chunks)
            _ = Libc.Munmap((void*)chunk.Address, chunk.Length);
        _chunks.Clear();
    }

    private Chunk? Find(nuint length, nuint alignment) =>
        _chunks.Find(c => ByteSize.AlignUp(c.Free, alignment) + length <= c.Address + c.Length);

    private void Reserve(nuint length)
    {
        const int Flags = Libc.MAP_PRIVATE | Libc.MAP_NORESERVE;
        for (ulong address = _searchFrom; address + length <= _ceiling; address += Step)
        {
            void* mapped = Libc.MmapAnonymous(
                (void*)address, length, Libc.PROT_NONE, Flags | Libc.MAP_FIXED_NOREPLACE);
            if (mapped == (void*)address)
            {
                _chunks.Add(new Chunk(address, length));
                return;
            }

            // Kernels before 4.17 take MAP_FIXED_NOREPLACE for a mere wish and map somewhere else.
            if (mapped != Libc.MapFailed)
                _ = Libc.Munmap(mapped, length);
            else if (Errno.Last != Errno.EEXIST)
                break;
        }

        ReserveAnywhere(length);
    }

    /// <summary>For address spaces that are full, limited or small; with room to align the chunk.</summary>
    private void ReserveAnywhere(nuint length)
    {
        void* mapped = Libc.MmapAnonymous(
            null, length + (nuint)Step, Libc.PROT_NONE, Libc.MAP_PRIVATE | Libc.MAP_NORESERVE);
        if (mapped == Libc.MapFailed)
        {
            throw new DataplaneException(
                $"Cannot reserve {ByteSize.Format(length)} of address space: {Errno.DescribeLast()}",
                "raise the limit with 'ulimit -v unlimited'");
        }

        ulong start = ByteSize.AlignUp((ulong)mapped, Step);
        ulong slack = start - (ulong)mapped;
        if (slack > 0)
            _ = Libc.Munmap(mapped, (nuint)slack);
        _ = Libc.Munmap((void*)(start + length), (nuint)(Step - slack));
        _chunks.Add(new Chunk(start, length));
    }

    private sealed class Chunk(ulong address, nuint length)
    {
        public ulong Address { get; } = address;

        public nuint Length { get; } = length;

        /// <summary>The first address that no segment has.</summary>
        public ulong Free { get; set; } = address;

        public bool Contains(ulong value) => value - Address < Length;
    }
}
