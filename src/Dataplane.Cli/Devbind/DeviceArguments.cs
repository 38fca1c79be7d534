using System.IO.Enumeration;
using Dataplane.Eal;
using Dataplane.Vfio.Pci;

namespace Dataplane.Cli.Devbind;

/// <summary>Finds the devices that somebody wrote: addresses, addresses with wildcards, names of interfaces.</summary>
internal sealed class DeviceArguments(PciInventory inventory)
{
    private readonly IReadOnlyList<PciDevice> _nics = inventory.NetworkControllers();

    /// <summary>The devices of all words, each once, in the order in which they were written.</summary>
    /// <exception cref="DataplaneException">A word means nothing.</exception>
    public IReadOnlyList<PciDevice> Find(IEnumerable<string> words) =>
        [.. words.SelectMany(Find).DistinctBy(device => device.Address)];

    /// <summary>Whether a word is a device, and not, for instance, a driver.</summary>
    public bool IsDevice(string word) => PciAddress.TryNormalize(word, out _) || ByInterface(word) is not null;

    private IReadOnlyList<PciDevice> Find(string word)
    {
        if (PciAddress.TryNormalize(word, out string address))
            return [inventory.Read(address) ?? throw Unknown($"There is no PCI device {address}")];
        if (word.AsSpan().ContainsAny('*', '?'))
        {
            PciDevice[] matches = [.. _nics.Where(device => Matches(word, device.Address) || Matches($"0000:{word}", device.Address))];
            return matches.Length > 0 ? matches : throw Unknown($"No network device has an address like '{word}'");
        }

        return [ByInterface(word) ?? throw Unknown($"'{word}' is neither the address nor an interface of a network device")];
    }

    private PciDevice? ByInterface(string name) => _nics.FirstOrDefault(device => device.Interfaces.Contains(name));

    private static bool Matches(string pattern, string address) => FileSystemName.MatchesSimpleExpression(pattern, address);

    private DataplaneException Unknown(string problem) => new(
        problem,
        _nics.Count == 0
            ? "this machine has no network devices on PCI"
            : $"the network devices are {string.Join(", ", _nics.Select(Describe))}");

    private static string Describe(PciDevice device) =>
        device.Interfaces.Count == 0 ? device.Address : $"{device.Address} ({string.Join(", ", device.Interfaces)})";
}
