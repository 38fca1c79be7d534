using System.Text;

namespace Dataplane.Vm.Tests.Rig;

/// <summary>Modules of a kernel and what they depend on, by their own word, so that no depmod is needed.</summary>
internal sealed class KernelModules
{
    private readonly Dictionary<string, string> _files = [];

    /// <summary>Finds modules.</summary>
    /// <param name="folders">Where they are, at any depth; later ones take the place of earlier ones.</param>
    public KernelModules(params IEnumerable<string> folders)
    {
        foreach (string file in folders.SelectMany(folder => Directory.EnumerateFiles(folder, "*.ko", SearchOption.AllDirectories)))
            _files[NameOf(Path.GetFileNameWithoutExtension(file))] = file;
    }

    /// <summary>The files of modules and of all that they need, each behind what it needs.</summary>
    public IReadOnlyList<string> InLoadOrder(params IEnumerable<string> names)
    {
        var order = new List<string>();
        foreach (string name in names)
            Add(NameOf(name), order);
        return order;
    }

    /// <summary>The kernel takes both characters for the same.</summary>
    private static string NameOf(string name) => name.Replace('-', '_');

    private void Add(string name, List<string> order)
    {
        if (!_files.TryGetValue(name, out string? file))
            throw new InvalidOperationException($"The guest's kernel has no module {name}");
        if (order.Contains(file))
            return;
        foreach (string dependency in DependenciesOf(file))
            Add(NameOf(dependency), order);
        order.Add(file);
    }

    /// <summary>The section .modinfo has <c>depends=a,b</c>, with a zero byte before and behind.</summary>
    private static string[] DependenciesOf(string file)
    {
        ReadOnlySpan<byte> content = File.ReadAllBytes(file);
        ReadOnlySpan<byte> key = "\0depends="u8;
        int start = content.IndexOf(key);
        if (start < 0)
            return [];
        content = content[(start + key.Length)..];
        return Encoding.ASCII.GetString(content[..content.IndexOf((byte)0)]).Split(',', StringSplitOptions.RemoveEmptyEntries);
    }
}
