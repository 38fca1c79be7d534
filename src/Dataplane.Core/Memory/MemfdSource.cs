using System.Numerics;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Memory;

/// <summary>Pages of files that have no name anywhere: nothing to mount, nothing left behind, and peers can still map them.</summary>
internal sealed class MemfdSource(nuint pageSize, bool huge, bool singleFile, string prefix)
    : PageSource(pageSize, singleFile)
{
    /// <inheritdoc/>
    public override bool IsHuge => huge;

    /// <inheritdoc/>
    public override string Description => huge ? $"{ByteSize.Format(PageSize)} hugepages" : "ordinary pages";

    /// <inheritdoc/>
    protected override SegmentFile Open()
    {
        uint flags = Libc.MFD_CLOEXEC;
        if (huge)
            flags |= Libc.MFD_HUGETLB | ((uint)BitOperations.Log2(PageSize) << Libc.MFD_HUGE_SHIFT);

        // Kernels before 6.3 do not know MFD_NOEXEC_SEAL; those with vm.memfd_noexec=2 insist on it.
        SafeFileHandle handle = Libc.MemfdCreate(prefix, flags | Libc.MFD_ALLOW_SEALING | Libc.MFD_NOEXEC_SEAL);
        if (handle.IsInvalid && Errno.Last == Errno.EINVAL)
            handle = Libc.MemfdCreate(prefix, flags | Libc.MFD_ALLOW_SEALING);
        if (handle.IsInvalid)
            throw new DataplaneException($"cannot make a memfd of {Description}: {Errno.DescribeLast()}");

        // Peers want to be sure that the file cannot be cut short under their feet (memif requires the seal).
        _ = Libc.Fcntl(handle, Libc.F_ADD_SEALS, Libc.F_SEAL_SHRINK);
        return new SegmentFile(handle, $"memfd:{prefix}");
    }
}
