using Dataplane.Eal;

namespace Dataplane.Ports;

/// <summary>The drivers that a runtime can make ports with. Core knows none by name; programs say which they bring.</summary>
internal sealed class DriverRegistry
{
    private readonly Dictionary<string, IVdevDriver> _vdevs = new(StringComparer.Ordinal);

    public DriverRegistry(IEnumerable<IPortSource> sources)
    {
        IPortSource[] all = [.. sources];
        if (all.GroupBy(source => source.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Two drivers are called {twice.Key}.", nameof(sources));
        foreach (IVdevDriver driver in all.OfType<IVdevDriver>())
            _vdevs.Add(driver.Name, driver);
        Buses = [.. all.OfType<IBus>()];
    }

    /// <summary>The buses, in the order in which their devices become ports.</summary>
    public IReadOnlyList<IBus> Buses { get; }

    /// <summary>The driver of a device argument, after its keys are checked.</summary>
    /// <exception cref="CommandLineException">No driver has such a name, or it has no such key.</exception>
    public IVdevDriver FindVdev(Devargs arguments)
    {
        // net_pcap0 is net_pcap's; where several names fit (net_af and net_af_packet), the longest is meant.
        IVdevDriver driver = _vdevs.Values
            .Where(candidate => arguments.Name.StartsWith(candidate.Name, StringComparison.Ordinal))
            .MaxBy(candidate => candidate.Name.Length)
            ?? throw new CommandLineException(
                $"No driver makes the device '{arguments.Name}' of --vdev={arguments.Text}",
                $"the drivers are {string.Join(", ", _vdevs.Keys.Order(StringComparer.Ordinal))}");
        CheckKeys(driver.Name, driver.Keys, arguments, "--vdev=");
        return driver;
    }

    /// <summary>Refuses keys that a driver does not have, and keys that stand twice.</summary>
    /// <param name="driver">The driver's name.</param>
    /// <param name="keys">What it has.</param>
    /// <param name="arguments">What is given.</param>
    /// <param name="option">The option as it stands before the argument: <c>--vdev=</c>.</param>
    /// <exception cref="CommandLineException">A key is refused.</exception>
    public static void CheckKeys(string driver, IReadOnlyList<DevargKey> keys, Devargs arguments, string option)
    {
        foreach (IGrouping<string, string> key in arguments.Keys.GroupBy(key => key))
        {
            DevargKey? known = keys.FirstOrDefault(candidate => candidate.Name == key.Key)
                ?? throw new CommandLineException(
                    $"{driver} has no key '{key.Key}' (in {option}{arguments.Text})",
                    keys.Count == 0 ? "it takes none" : $"its keys are {string.Join(", ", keys.Select(k => k.Name))}");
            if (key.Count() > 1 && !known.Repeatable)
                throw new CommandLineException($"The key '{key.Key}' of the device '{arguments.Name}' is given {key.Count()} times", "give it once");
        }
    }
}
