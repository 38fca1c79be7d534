namespace Dataplane.Testing;

/// <summary>A folder for one test; gone afterwards.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Makes an empty folder below the system's temporary one.</summary>
    public TemporaryFolder() => FullName = Directory.CreateTempSubdirectory("dataplane-").FullName;

    /// <summary>Its absolute path.</summary>
    public string FullName { get; }

    /// <summary>The absolute path of something in it.</summary>
    public string this[string relativePath] => Path.Combine(FullName, relativePath);

    /// <summary>Removes it and what is in it.</summary>
    public void Dispose() => Directory.Delete(FullName, recursive: true);
}
