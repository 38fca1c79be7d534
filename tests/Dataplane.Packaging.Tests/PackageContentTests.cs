using System.Buffers.Binary;
using System.Text;
using System.Xml.Linq;
using Dataplane.Testing;

namespace Dataplane.Packaging.Tests;

[Collection(nameof(Packages))]
public class PackageContentTests(Packages packages)
{
    private const int MachineX64 = 62; // EM_X86_64 of elf.h
    private const int MachineArm64 = 183; // EM_AARCH64

    [SkippableTheory]
    [InlineData("Dataplane.Core")]
    [InlineData("Dataplane.Vdev")]
    [InlineData("Dataplane.Vfio")]
    public void A_package_has_its_library_documentation_readme_and_licence(string library)
    {
        Dictionary<string, byte[]> files = packages.Open(library);

        Assert.Contains($"lib/net10.0/{library}.dll", files.Keys);
        Assert.Contains("<summary>", Encoding.UTF8.GetString(files[$"lib/net10.0/{library}.xml"]));
        Assert.Equal(File.ReadAllBytes(Repository.PathOf("README.md")), files["README.md"]);
        Assert.Equal(File.ReadAllBytes(Repository.PathOf("LICENSE")), files["LICENSE"]);

        XElement metadata = XDocument.Load(new MemoryStream(files[$"{library}.nuspec"])).Root!.Elements().Single();
        Assert.Equal("Apache-2.0", Value(metadata, "license"));
        Assert.Equal("README.md", Value(metadata, "readme"));
        Assert.NotEqual("Package Description", Value(metadata, "description"));
    }

    [SkippableTheory]
    [InlineData("Dataplane.Core")]
    [InlineData("Dataplane.Vdev")]
    [InlineData("Dataplane.Vfio")]
    public void Symbols_are_in_a_package_of_their_own(string library)
    {
        Assert.Contains($"lib/net10.0/{library}.pdb", packages.Open(library, "snupkg").Keys);
        Assert.DoesNotContain(packages.Open(library).Keys, name => name.EndsWith(".pdb", StringComparison.Ordinal));
    }

    [SkippableTheory]
    [InlineData("linux-x64", MachineX64)]
    [InlineData("linux-arm64", MachineArm64)]
    public void The_core_carries_the_native_shim_of_each_architecture(string runtimeIdentifier, int machine)
    {
        byte[] library = packages.Open("Dataplane.Core")[$"runtimes/{runtimeIdentifier}/native/libdataplane_shim.so"];

        Assert.Equal("\u007fELF"u8, library.AsSpan(0, 4));
        Assert.Equal(machine, BinaryPrimitives.ReadUInt16LittleEndian(library.AsSpan(18))); // e_machine of elf(5)
    }

    [SkippableFact]
    public void Packing_twice_gives_the_same_bytes()
    {
        using var again = new TemporaryFolder();
        packages.Pack(again.FullName);

        string[] names = [.. Directory.GetFiles(packages.Folder).Select(path => Path.GetFileName(path))];
        Assert.Equal(2 * Packages.Names.Count, names.Length);
        foreach (string name in names)
            Assert.Equal(File.ReadAllBytes(Path.Combine(packages.Folder, name)), File.ReadAllBytes(again[name]));
    }

    private static string Value(XElement metadata, string name) => metadata.Element(metadata.Name.Namespace + name)!.Value;
}
