using Dataplane.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Memory;

/// <summary>Hugepages of files named <c>PREFIXmap_N</c> on a hugetlbfs, where other programs can find them.</summary>
internal sealed class HugetlbfsSource : PageSource
{
    private readonly HugetlbMount _mount;
    private readonly string _prefix;
    private readonly HugeUnlink _unlink;
    private HugetlbfsFile? _next;
    private int _number;

    /// <summary>Removes stale files and takes the prefix for this process.</summary>
    /// <exception cref="DataplaneException">A live process has the prefix, or no file can be made.</exception>
    public HugetlbfsSource(HugetlbMount mount, MemoryOptions options, ILogger logger)
        : base((nuint)mount.PageSize, options.SingleFileSegments)
    {
        _mount = mount;
        _prefix = options.FilePrefix;
        _unlink = options.HugeUnlink;
        StaleFiles.Clean(mount.Directory, _prefix, _unlink, logger);

        // The first file, still empty, tells others that the prefix is taken. Files that nobody will see clash with none.
        if (_unlink != HugeUnlink.Always)
            _next = Claim();
    }

    /// <inheritdoc/>
    public override bool IsHuge => true;

    /// <inheritdoc/>
    public override string Description => $"{ByteSize.Format(PageSize)} hugepages of {_mount.Directory}";

    /// <inheritdoc/>
    public override ulong? BytesLeft => _mount.BytesLeft() + Reusable;

    /// <inheritdoc/>
    public override ulong Reusable => _unlink == HugeUnlink.Never ? (ulong)RandomAccess.GetLength((_next ??= Claim()).Handle) : 0;

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _next?.Dispose();
    }

    /// <inheritdoc/>
    protected override SegmentFile Open()
    {
        HugetlbfsFile file = _next ?? Claim();
        _next = null;
        return file;
    }

    /// <summary>Makes and locks the file with the next free number; with <see cref="HugeUnlink.Never"/> an old one will do.</summary>
    private HugetlbfsFile Claim()
    {
        const uint OwnerMayReadAndWrite = 0b110_000_000;
        int flags = Libc.O_RDWR | Libc.O_CREAT | Libc.O_CLOEXEC | (_unlink == HugeUnlink.Never ? 0 : Libc.O_EXCL);
        while (true)
        {
            string path = StaleFiles.PathOf(_mount.Directory, _prefix, _number++);
            SafeFileHandle handle = Libc.Open(path, flags, OwnerMayReadAndWrite);
            if (handle.IsInvalid)
            {
                if (Errno.Last == Errno.EEXIST)
                    continue;
                throw new DataplaneException($"Cannot make {path}: {Errno.DescribeLast()}", "use --in-memory or another --huge-dir");
            }

            // Peers get copies of the file's descriptor and may outlive us. The lock must end with us, so it has its own.
            SafeFileHandle lockHandle = Libc.Open(path, Libc.O_RDONLY | Libc.O_CLOEXEC);
            int error = lockHandle.IsInvalid ? Errno.Last : 0;
            var file = new HugetlbfsFile(handle, lockHandle, path, _unlink);
            if (error == 0 && file.TryLock())
                return file;
            // Another process that starts may have taken a new file for stale and removed it.
            if (error is 0 or Errno.ENOENT)
            {
                file.Abandon();
                continue;
            }

            file.Dispose();
            throw new DataplaneException($"Cannot lock {path}: {Errno.Describe(error)}");
        }
    }

    private sealed class HugetlbfsFile(SafeFileHandle handle, SafeFileHandle lockHandle, string path, HugeUnlink unlink)
        : SegmentFile(handle, path)
    {
        /// <summary>Whether there is a name that is ours to remove.</summary>
        private bool _isLinked = true;

        /// <summary>False if another process or runtime has the file, or removed it for stale before it was locked.</summary>
        public bool TryLock()
        {
            if (Libc.Flock(lockHandle, Libc.LOCK_EX | Libc.LOCK_NB) < 0)
                return false;
            HasOldContent = RandomAccess.GetLength(Handle) > 0;
            return StaleFiles.IsLinked(lockHandle) && StaleFiles.IsLinked(Handle);
        }

        public override void Mapped()
        {
            if (unlink == HugeUnlink.Always)
                Remove();
        }

        /// <summary>Closes the file and leaves it where it is.</summary>
        public void Abandon()
        {
            _isLinked = false;
            Dispose();
        }

        public override void Dispose()
        {
            if (unlink != HugeUnlink.Never || (Used == 0 && !HasOldContent))
                Remove();
            lockHandle.Dispose();
            base.Dispose();
        }

        private void Remove()
        {
            if (_isLinked)
                _ = Libc.Unlink(Name);
            _isLinked = false;
        }
    }
}
