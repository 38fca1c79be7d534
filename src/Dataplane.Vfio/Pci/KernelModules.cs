using System.IO.Enumeration;
using Dataplane.Linux;

namespace Dataplane.Vfio.Pci;

/// <summary>Which modules of the running kernel say that they can drive a device (modules.alias, modules.dep(5)).</summary>
internal sealed class KernelModules
{
    private readonly List<(string Pattern, string Module)> _aliases = [];

    public KernelModules(HostFiles files)
    {
        string release = files.ReadText("/proc/sys/kernel/osrelease") ?? "";
        foreach (string line in files.ReadLines($"/lib/modules/{release}/modules.alias"))
        {
            // "alias PATTERN MODULE"; VFIO has patterns of its own (vfio_pci:...), which are no offers to drive a device.
            string[] fields = line.Split(' ');
            if (fields is ["alias", ['p', 'c', 'i', ':', ..], _])
                _aliases.Add((fields[1], fields[2]));
        }
    }

    /// <summary>The names of the modules, as modprobe knows them.</summary>
    public IReadOnlyList<string> For(PciDevice device) => device.ModuleAlias is not { } alias ? [] :
    [
        .. _aliases.Where(candidate => FileSystemName.MatchesSimpleExpression(candidate.Pattern, alias, ignoreCase: false))
            .Select(candidate => candidate.Module)
            .Distinct(StringComparer.Ordinal),
    ];
}
