using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary>Mounting: mount(2), umount2(2).</summary>
internal static unsafe partial class Libc
{
    [LibraryImport(Library, EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mount(string source, string target, string type, nuint flags, string options);

    [LibraryImport(Library, EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unmount(string target, int flags);
}
