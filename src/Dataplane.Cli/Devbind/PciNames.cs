using System.Globalization;
using Dataplane.Linux;
using Dataplane.Vfio.Devices;

namespace Dataplane.Cli.Devbind;

/// <summary>What devices are called, by the list that lspci has, if it is installed (pci.ids(5)).</summary>
internal sealed class PciNames
{
    private static readonly string[] s_places = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];

    private readonly Dictionary<PciId, string> _names = [];

    public PciNames(HostFiles files)
    {
        ushort? vendor = null;
        foreach (string line in s_places.Select(files.ReadLines).FirstOrDefault(lines => lines.Length > 0) ?? [])
        {
            // "vvvv  vendor", below it "\tdddd  device", below that "\t\t..." subsystems; classes follow as "C cc  class".
            if (line is ['\t', not '\t', ..])
            {
                if (vendor is { } known && TryId(line.AsSpan(1), out ushort device))
                    _names.TryAdd(new PciId(known, device), line[5..].Trim());
            }
            else if (line is not ['\t' or '#', ..] and not [])
            {
                vendor = TryId(line, out ushort id) ? id : null;
            }
        }
    }

    /// <summary>The device's name without its vendor's; null if it is not known.</summary>
    public string? Find(PciId id) => _names.GetValueOrDefault(id);

    private static bool TryId(ReadOnlySpan<char> line, out ushort id)
    {
        id = 0;
        return line.Length > 6 && line[4] == ' '
            && ushort.TryParse(line[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id);
    }
}
