using Dataplane.Testing;

namespace Dataplane.Packaging.Tests;

/// <summary>The dataplane command as somebody installs it from a feed.</summary>
[Collection(nameof(Packages))]
public sealed class ToolTests(Packages packages) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [SkippableFact]
    public void The_installed_tool_runs()
    {
        // Not through DotNet.Run: installing knows fewer options than building.
        Shell.Run(
            TimeSpan.FromMinutes(5), "dotnet",
            "tool", "install", "Dataplane.Cli", "--version", packages.Version, "--source", packages.Folder, "--tool-path", _folder["tools"]);

        Assert.Equal($"dataplane {packages.Version}", Shell.Run(_folder["tools/dataplane"], "--version").Split('+', '\n')[0]);
        Assert.StartsWith("Node Pages ", Shell.Run(_folder["tools/dataplane"], "hugepages", "--show"));
    }

    [SkippableFact]
    public void The_tool_has_its_readme_licence_and_name()
    {
        Dictionary<string, byte[]> files = packages.Open("Dataplane.Cli");

        Assert.Equal(File.ReadAllBytes(Repository.PathOf("README.md")), files["README.md"]);
        Assert.Equal(File.ReadAllBytes(Repository.PathOf("LICENSE")), files["LICENSE"]);
        Assert.Contains("Name=\"dataplane\"", System.Text.Encoding.UTF8.GetString(files["tools/net10.0/any/DotnetToolSettings.xml"]));
    }

    public void Dispose() => _folder.Dispose();
}
