using System.Globalization;
using System.Text;

namespace Dataplane.Vm.Tests.Rig;

/// <summary>
/// Writes an archive that the kernel unpacks as its initramfs: the "newc" format of cpio(5), described in the kernel's
/// Documentation/driver-api/early-userspace/buffer-format.rst.
/// </summary>
internal sealed class CpioArchive(Stream output)
{
    private const int RegularFile = 0x8000;
    private const int Directory = 0x4000;
    private const int CharacterDevice = 0x2000;

    private int _entries;

    public void AddDirectory(string name) => Add(name, Directory | 0x1ED);

    public void AddFile(string name, ReadOnlySpan<byte> content) => Add(name, RegularFile | 0x1ED, content);

    public void AddCharacterDevice(string name, int major, int minor) => Add(name, CharacterDevice | 0x180, [], major, minor);

    public void Complete() => Add("TRAILER!!!", 0);

    private void Add(string name, int mode, ReadOnlySpan<byte> content = default, int major = 0, int minor = 0)
    {
        // The fields are: inode, mode, owner, group, links, time, size, device, device of a node, length of the name, checksum.
        ReadOnlySpan<int> fields = [++_entries, mode, 0, 0, 1, 0, content.Length, 0, 0, major, minor, name.Length + 1, 0];
        var header = new StringBuilder("070701");
        foreach (int field in fields)
            header.Append(field.ToString("X8", CultureInfo.InvariantCulture));
        Write(Encoding.ASCII.GetBytes($"{header}{name}\0"));
        Write(content);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        ReadOnlySpan<byte> padding = [0, 0, 0];
        output.Write(padding[..(-bytes.Length & 3)]);
    }
}
