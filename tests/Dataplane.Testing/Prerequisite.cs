namespace Dataplane.Testing;

/// <summary>Programs that a test needs from the machine.</summary>
public static class Prerequisite
{
    /// <summary>
    /// Skips the test, which must be a <c>[SkippableFact]</c>, where a program is not installed. In CI, which installs all
    /// of them, the test goes on and fails.
    /// </summary>
    /// <param name="program">Its name in PATH.</param>
    /// <param name="packages">The Debian packages that bring it.</param>
    public static void Require(string program, string packages)
    {
        bool installed = Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
        bool ci = Environment.GetEnvironmentVariable("CI") == "true";
        Skip.IfNot(installed || ci, $"{program} is not installed: apt-get install {packages}");
    }
}
