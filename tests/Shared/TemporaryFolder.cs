namespace Dataplane.Tests.Shared;

/// <summary>A folder for one test; gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => FullName = Directory.CreateTempSubdirectory("dataplane-").FullName;

    public string FullName { get; }

    public string this[params ReadOnlySpan<string> path] => Path.Combine([FullName, .. path]);

    public void Dispose() => Directory.Delete(FullName, recursive: true);
}
