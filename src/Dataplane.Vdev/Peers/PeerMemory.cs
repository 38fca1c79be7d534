using Dataplane.Linux;
using Dataplane.Memory;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Peers;

/// <summary>
/// A part of a file that a peer sent, mapped. The peer may cut the file short afterwards: what is gone then reads as zeros,
/// <see cref="IsLost"/> says so, and nobody dies. It stays mapped until the last of its users has released it.
/// </summary>
/// <remarks>System calls on such memory fail with EFAULT instead. Any thread may acquire and release.</remarks>
internal sealed unsafe class PeerMemory
{
    /// <summary>
    /// Address space that must be left: for the stacks and heaps of the process and for its own memory. A peer's file can be as
    /// long as all of it, without having a page.
    /// </summary>
    private const ulong LeastAddressSpace = 64 * ByteSize.GiB;

    private readonly byte* _mapping;
    private readonly nuint _mappingLength;
    private readonly int _guard;
    private int _users = 1;

    private PeerMemory(byte* mapping, nuint mappingLength, ulong skipped, ulong length, bool isSealed, int guard)
    {
        _mapping = mapping;
        _mappingLength = mappingLength;
        _guard = guard;
        Address = mapping + skipped;
        Length = length;
        IsSealedAgainstShrinking = isSealed;
    }

    /// <summary>Where the part starts.</summary>
    public byte* Address { get; }

    /// <summary>Bytes of the part.</summary>
    public ulong Length { get; }

    /// <summary>Whether the peer cannot cut the file short; for messages.</summary>
    public bool IsSealedAgainstShrinking { get; }

    /// <summary>Whether the peer has cut the file short and somebody touched what is gone. While it is mapped.</summary>
    public bool IsLost => Shim.IsGuardLost(_guard) != 0;

    /// <summary>Maps a part of a file; the caller is its first user.</summary>
    /// <param name="file">What the peer sent; stays the caller's, who may close it at once.</param>
    /// <param name="offset">Where the part starts, at any byte.</param>
    /// <param name="length">Bytes; the file must have them all.</param>
    /// <param name="what">As it reads in "sent ... of": "region 1".</param>
    /// <exception cref="PeerViolationException">
    /// It is no file, or too short, or cannot be mapped, or there are too many of all peers together.
    /// </exception>
    public static PeerMemory Map(SafeFileHandle file, ulong offset, ulong length, string what)
    {
        if (!Libc.TryGetStatus(file, out FileStatus status) || !status.IsRegular || !TryGetPageSize(file, out ulong page))
        {
            throw new PeerViolationException(
                $"sent for {what} a descriptor of something else than memory: a memfd, or a file of /dev/shm or of hugepages");
        }

        if (length == 0 || offset > status.Size || length > status.Size - offset)
        {
            throw new PeerViolationException(
                $"sent {what} of {length} bytes at offset {offset}, but its file has {status.Size} bytes");
        }

        // The file has all of it, so that no sum can overflow: sizes are positive in 64 bits with a sign.
        ulong start = offset & ~(page - 1);
        ulong end = ByteSize.AlignUp(offset + length, page);
        void* mapping = Libc.Mmap(
            null, (nuint)(end - start), Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED | Libc.MAP_NORESERVE, file, (long)start);
        if (mapping == Libc.MapFailed)
            throw new PeerViolationException($"sent {what}, which cannot be mapped: {Errno.DescribeLast()}");
        if (!IsAddressSpaceLeft())
        {
            _ = Libc.Munmap(mapping, (nuint)(end - start));
            throw new PeerViolationException($"sent {what} of {ByteSize.Format(length)}, which leaves no address space for others");
        }

        int guard = Shim.AddGuard(mapping, end - start);
        if (guard < 0)
        {
            _ = Libc.Munmap(mapping, (nuint)(end - start));
            throw new PeerViolationException($"sent {what}, where all peers of this process share as many regions of memory as can be guarded");
        }

        int seals = Libc.Fcntl(file, Libc.F_GET_SEALS, 0);
        bool isSealed = seals >= 0 && (seals & Libc.F_SEAL_SHRINK) != 0;
        return new PeerMemory((byte*)mapping, (nuint)(end - start), offset - start, length, isSealed, guard);
    }

    /// <summary>One more user, of one who has acquired it.</summary>
    public PeerMemory Acquire()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    /// <summary>One user less; the last one unmaps. By the control thread: it takes long.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) != 0)
            return;
        Shim.RemoveGuard(_guard);
        _ = Libc.Munmap(_mapping, _mappingLength);
    }

    private static bool IsAddressSpaceLeft()
    {
        nuint length = unchecked((nuint)LeastAddressSpace);
        void* trial = Libc.MmapAnonymous(null, length, Libc.PROT_NONE, Libc.MAP_PRIVATE | Libc.MAP_NORESERVE);
        return trial != Libc.MapFailed && Libc.Munmap(trial, length) == 0;
    }

    /// <summary>
    /// hugetlbfs maps and unmaps whole pages of its own only. Files of other systems than that and tmpfs are none: whoever
    /// serves them (FUSE, NFS, a disk) could let a lcore wait for a page for as long as it likes.
    /// </summary>
    private static bool TryGetPageSize(SafeFileHandle file, out ulong size)
    {
        Statfs status;
        bool isKnown = Libc.GetStatfs(file, &status) == 0;
        bool isHuge = isKnown && status.Type == Statfs.HugetlbfsMagic;
        size = isHuge ? (ulong)status.BlockSize : (ulong)Environment.SystemPageSize;
        return isHuge || (isKnown && status.Type == Statfs.TmpfsMagic);
    }
}
