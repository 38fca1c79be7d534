namespace Dataplane.Testing;

/// <summary>The checkout that a test was built from, for tests of its files.</summary>
public static class Repository
{
    /// <summary>The folder of Dataplane.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>The absolute path of a file or folder of the repository.</summary>
    public static string PathOf(string relativePath) => Path.Combine(Root, relativePath);

    private static string Find()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Dataplane.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException($"No Dataplane.sln above {AppContext.BaseDirectory}");
    }
}
