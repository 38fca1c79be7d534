using System.Globalization;
using System.Text;
using Dataplane.Lcores;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Linux;

/// <summary>
/// The small text files of /proc and /sys below a root, which is <c>/</c> but in tests. What is missing or forbidden, as
/// containers mask some of it, reads as null or empty. Tests that play the kernel override <see cref="Write"/>.
/// </summary>
internal class HostFiles(string root = "/")
{
    /// <summary>Where /proc, /sys and the mounts are.</summary>
    public string Root => root;

    /// <summary>A file's text without blanks around it.</summary>
    public string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(Path.Join(root, path)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A file's lines.</summary>
    public string[] ReadLines(string path) => ReadText(path)?.Split('\n') ?? [];

    /// <summary>A file's number; null also where it says <c>max</c>.</summary>
    public ulong? ReadNumber(string path) =>
        ulong.TryParse(ReadText(path), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null;

    /// <summary>A file's list of CPUs or nodes; null also where it has none.</summary>
    public CpuSet? ReadSet(string path)
    {
        try
        {
            return ReadText(path) is { Length: > 0 } text ? CpuSet.Parse(text) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>A number of bytes from a table of <c>Name: N kB</c> lines, as meminfo is.</summary>
    public ulong? ReadKibibytes(string path, string name)
    {
        string? line = Array.Find(ReadLines(path), l => l.StartsWith(name + ":", StringComparison.Ordinal));
        string[] words = line?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length > 1 && ulong.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong kib)
            ? kib << 10
            : null;
    }

    /// <summary>The names of a directory's entries.</summary>
    public string[] ListNames(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(Path.Join(root, directory)).Select(e => Path.GetFileName(e)!)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>What a symbolic link points to, as it is written there; null if there is no such link.</summary>
    public string? ReadLink(string path)
    {
        try
        {
            return new FileInfo(Path.Join(root, path)).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The last name of what a symbolic link points to: how sysfs names a device's driver or group.</summary>
    public string? ReadLinkName(string path) => ReadLink(path) is { } target ? Path.GetFileName(target) : null;

    /// <summary>Whether there is such a file or directory.</summary>
    public bool Exists(string path) => Path.Exists(Path.Join(root, path));

    /// <summary>Whether we may write to a file: 0, or the error number that says why not.</summary>
    public int CheckWritable(string path) => Libc.Access(Path.Join(root, path), Libc.W_OK) == 0 ? 0 : Errno.Last;

    /// <summary>Writes to a file that is there, in one piece as the kernel wants it.</summary>
    /// <returns>0, or the error number.</returns>
    public virtual unsafe int Write(string path, string text)
    {
        using SafeFileHandle file = Libc.Open(Path.Join(root, path), Libc.O_WRONLY | Libc.O_TRUNC | Libc.O_CLOEXEC);
        if (file.IsInvalid)
            return Errno.Last;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* start = bytes)
            return Libc.Write(file, start, (nuint)bytes.Length) == bytes.Length ? 0 : Errno.Last;
    }

    /// <summary>A field of a table of mounts, in which blanks and their like are written in octal (proc(5), fstab(5)).</summary>
    public static string Unescape(string field) => field
        .Replace(@"\040", " ", StringComparison.Ordinal).Replace(@"\011", "\t", StringComparison.Ordinal)
        .Replace(@"\012", "\n", StringComparison.Ordinal).Replace(@"\134", @"\", StringComparison.Ordinal);
}
