using System.Buffers.Binary;
using System.Diagnostics;

namespace Dataplane.Vm.Tests.Rig;

/// <summary>
/// The kernel as QEMU starts it fastest: without its decompressor, which takes seconds where every instruction is
/// emulated. QEMU enters the plain ELF file by its PVH note.
/// </summary>
internal static class KernelImage
{
    // Fields of the setup header (Documentation/x86/boot.rst, "Details of Header Fields").
    private const int SetupSectors = 0x1F1;
    private const int PayloadOffset = 0x248;
    private const int PayloadLength = 0x24C;
    private const int SectorSize = 512;

    /// <summary>Takes the kernel out of a compressed image; does nothing if that was done before.</summary>
    /// <returns>The path of the ELF file.</returns>
    public static string Unpack(string image)
    {
        string elf = image.Replace("vmlinuz", "vmlinux", StringComparison.Ordinal);
        if (File.Exists(elf))
            return elf;
        ReadOnlySpan<byte> file = File.ReadAllBytes(image);
        int offset = ((file[SetupSectors] + 1) * SectorSize) + BinaryPrimitives.ReadInt32LittleEndian(file[PayloadOffset..]);
        Decompress(file.Slice(offset, BinaryPrimitives.ReadInt32LittleEndian(file[PayloadLength..])), elf + ".new");
        File.Move(elf + ".new", elf, overwrite: true);
        return elf;
    }

    /// <summary>By xz(1), which leaves what stands behind its stream alone: the length of the kernel.</summary>
    private static void Decompress(ReadOnlySpan<byte> payload, string path)
    {
        string compressed = path + ".xz";
        File.WriteAllBytes(compressed, payload);
        var start = new ProcessStartInfo("xz", ["--decompress", "--stdout", "--single-stream", compressed])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        using Process xz = Process.Start(start)!;
        using (FileStream output = File.Create(path))
            xz.StandardOutput.BaseStream.CopyTo(output);
        xz.WaitForExit();
        File.Delete(compressed);
        if (xz.ExitCode != 0)
            throw new InvalidOperationException($"{path} has no kernel that xz can unpack");
    }
}
