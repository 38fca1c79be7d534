using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Dataplane.Testing;

namespace Dataplane.Packaging.Tests;

/// <summary>A project of somebody else: it knows a feed with the packages, and the program of the README.</summary>
[Collection(nameof(Packages))]
public sealed partial class ConsumerTests : IDisposable
{
    private readonly TemporaryFolder _project = new();

    public ConsumerTests(Packages packages)
    {
        File.WriteAllText(_project["Forwarder.csproj"], $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <UseAppHost>false</UseAppHost>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Dataplane.Vdev" Version="{packages.Version}" />
              </ItemGroup>
            </Project>
            """);
        // The machine's own feeds, which have what the packages depend on, are still asked.
        File.WriteAllText(_project["nuget.config"], $"""
            <configuration>
              <config>
                <add key="globalPackagesFolder" value="{_project["restored"]}" />
              </config>
              <packageSources>
                <add key="packages under test" value="{packages.Folder}" />
              </packageSources>
            </configuration>
            """);
        File.WriteAllText(_project["Program.cs"], $"""
            {ProgramOfTheReadme()}
            Console.WriteLine(ports[1].GetStatistics().OutputPackets);
            Console.WriteLine(CycleClock.Frequency);
            """);
    }

    [SkippableFact]
    public void The_program_of_the_readme_forwards_packets_from_its_build_output()
    {
        DotNet.Run("build", _project.FullName, "--output", _project["out"]);

        AssertForwards();
    }

    [SkippableFact]
    public void The_program_of_the_readme_forwards_packets_when_published_for_this_machine()
    {
        string runtimeIdentifier = $"linux-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        DotNet.Run("publish", _project.FullName, "--output", _project["out"], "--runtime", runtimeIdentifier, "--no-self-contained");

        AssertForwards();
    }

    [Fact]
    public void The_program_of_the_readme_has_twelve_lines_at_most() =>
        Assert.InRange(
            ProgramOfTheReadme().Split('\n').Count(line => line.Length > 0 && !line.StartsWith("using Dataplane", StringComparison.Ordinal)), 1, 12);

    public void Dispose() => _project.Dispose();

    private void AssertForwards()
    {
        string[] lines = Shell.Run("dotnet", _project["out/Forwarder.dll"]).Split('\n');

        Assert.True(ulong.Parse(lines[0], CultureInfo.InvariantCulture) >= 1_000_000, $"only {lines[0]} packets were sent");
        Assert.True(ulong.Parse(lines[1], CultureInfo.InvariantCulture) > 0);
    }

    private static string ProgramOfTheReadme() =>
        CSharpBlock().Match(File.ReadAllText(Repository.PathOf("README.md"))).Groups["code"].Value;

    [GeneratedRegex(@"^```csharp\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CSharpBlock();
}
