using Dataplane.Testing;

namespace Dataplane.Packaging.Tests;

/// <summary>The SDK, as a user runs it.</summary>
internal static class DotNet
{
    // A build from nothing on a busy machine.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Runs a build command; no server of it stays behind.</summary>
    public static void Run(string command, params string[] arguments) =>
        Shell.Run(Patience, "dotnet", [command, .. arguments, "--nologo", "--verbosity", "quiet", "--disable-build-servers"]);
}
