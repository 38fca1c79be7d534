using System.IO.Compression;
using Dataplane.Testing;

namespace Dataplane.Packaging.Tests;

/// <summary>The packages, made once for all tests, apart from the build of the repository.</summary>
public sealed class Packages : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private bool _packed;

    /// <summary>What is packed: projects below src, and packages of the same names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["Dataplane.Core", "Dataplane.Vdev", "Dataplane.Vfio", "Dataplane.Cli"];

    /// <summary>A version of its own, so that no cache can answer for it.</summary>
    public string Version { get; } = $"0.0.0-test.{Guid.NewGuid():N}";

    /// <summary>Where the packages lie: a feed for NuGet. Skips the test where the shim of the other architecture cannot be built.</summary>
    public string Folder
    {
        get
        {
            Prerequisite.Require("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross");
            string folder = _folder["packages"];
            if (!_packed)
                Pack(folder);
            _packed = true;
            return folder;
        }
    }

    /// <summary>Packs into a folder; what is built already is not built again.</summary>
    public void Pack(string folder)
    {
        foreach (string name in Names)
        {
            DotNet.Run(
                "pack", Repository.PathOf($"src/{name}"), "--configuration", "Release", "--output", folder,
                "--artifacts-path", _folder["build"], $"-p:Version={Version}");
        }
    }

    /// <summary>The names and contents of a package's files.</summary>
    /// <param name="library">Such as Dataplane.Core.</param>
    /// <param name="extension">nupkg, or snupkg for the symbols.</param>
    public Dictionary<string, byte[]> Open(string library, string extension = "nupkg")
    {
        using ZipArchive archive = ZipFile.OpenRead(Path.Combine(Folder, $"{library}.{Version}.{extension}"));
        return archive.Entries.ToDictionary(entry => entry.FullName, Read, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    private static byte[] Read(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        var content = new byte[entry.Length];
        stream.ReadExactly(content);
        return content;
    }
}

/// <summary>The tests that share the packages; they run one after another.</summary>
[CollectionDefinition(nameof(Packages))]
public sealed class PackagesCollection : ICollectionFixture<Packages>;
