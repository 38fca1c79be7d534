using System.Globalization;

namespace Dataplane.Memory;

/// <summary>Sizes as people, the kernel and Kubernetes write them.</summary>
internal static class ByteSize
{
    public const ulong KiB = 1UL << 10;
    public const ulong MiB = 1UL << 20;
    public const ulong GiB = 1UL << 30;

    /// <summary><c>2 MiB</c>, <c>1 GiB</c>, <c>64 KiB</c>, <c>100 B</c>; the largest unit that leaves no fraction.</summary>
    public static string Format(ulong bytes) => Write(bytes, " ", "GiB", "MiB", "KiB", "B");

    /// <summary>As <see cref="Format"/>, of a number that nobody needs to the byte: whole MiB, rounded down.</summary>
    public static string About(ulong bytes) => Format(bytes < MiB ? bytes : bytes & ~(MiB - 1));

    /// <summary>Whole MiB, rounded up.</summary>
    public static ulong Ceiling(ulong bytes) => AlignUp(bytes, MiB);

    /// <summary>As hugetlb cgroup files are named: <c>2MB</c>, <c>1GB</c>, <c>64KB</c> (mm/hugetlb_cgroup.c).</summary>
    public static string FormatForCgroup(ulong bytes) => Write(bytes, "", "GB", "MB", "KB", "B");

    /// <summary>As Kubernetes names resources and quantities: <c>2Mi</c>, <c>1Gi</c>, <c>64Ki</c>.</summary>
    public static string FormatForKubernetes(ulong bytes) => Write(bytes, "", "Gi", "Mi", "Ki", "");

    /// <summary>Reads a number of bytes, or of K, M or G of them in powers of two: <c>2M</c>, <c>512k</c>, also <c>1Gi</c> and <c>1GiB</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ulong bytes)
    {
        int end = text.IndexOfAnyExceptInRange('0', '9');
        ReadOnlySpan<char> unit = end < 0 ? "" : text[end..];
        int shift = unit is [] ? 0 : char.ToUpperInvariant(unit[0]) switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => -1 };
        bool isNumber = ulong.TryParse(end < 0 ? text : text[..end], NumberStyles.None, CultureInfo.InvariantCulture, out bytes)
            && shift >= 0 && unit is [] or [_] or [_, 'i'] or [_, 'i', 'B'] && bytes <= ulong.MaxValue >> shift;
        bytes = isNumber ? bytes << shift : 0;
        return isNumber;
    }

    /// <summary>The next multiple of a power of two.</summary>
    public static ulong AlignUp(ulong value, ulong alignment) => (value + alignment - 1) & ~(alignment - 1);

    private static string Write(ulong bytes, string space, string gib, string mib, string kib, string plain) => bytes switch
    {
        >= GiB when bytes % GiB == 0 => $"{bytes / GiB}{space}{gib}",
        >= MiB when bytes % MiB == 0 => $"{bytes / MiB}{space}{mib}",
        >= KiB when bytes % KiB == 0 => $"{bytes / KiB}{space}{kib}",
        _ => $"{bytes}{space}{plain}",
    };
}
