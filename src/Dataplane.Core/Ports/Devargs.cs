using System.Globalization;
using Dataplane.Eal;
using Dataplane.Packets;

namespace Dataplane.Ports;

/// <summary>A device argument, <c>name,key=value,...</c>, taken apart. Values are read by key with the driver's default.</summary>
public sealed class Devargs
{
    private readonly IReadOnlyList<KeyValuePair<string, string>> _pairs;

    private Devargs(string text, string name, IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        Text = text;
        Name = name;
        _pairs = pairs;
    }

    /// <summary>The whole argument as it was given.</summary>
    public string Text { get; }

    /// <summary>The device's name: everything before the first comma.</summary>
    public string Name { get; }

    /// <summary>The keys that were given, in order.</summary>
    public IEnumerable<string> Keys => _pairs.Select(pair => pair.Key);

    /// <summary>Takes an argument apart.</summary>
    /// <exception cref="CommandLineException">There is no name, or a key without value.</exception>
    public static Devargs Parse(string text)
    {
        string[] parts = text.Split(',');
        if (parts[0].Length == 0)
            throw new CommandLineException($"The device argument '{text}' has no name before the first comma", "write it as name,key=value,...");
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (string part in parts.Skip(1).Where(part => part.Length != 0))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw new CommandLineException($"'{part}' in the device argument '{text}' is not of the form key=value");
            pairs.Add(new(part[..equals], part[(equals + 1)..]));
        }

        return new Devargs(text, parts[0], pairs);
    }

    /// <summary>Whether a key was given.</summary>
    public bool Has(string key) => _pairs.Any(pair => pair.Key == key);

    /// <summary>The value of a key; null if it was not given.</summary>
    public string? Get(string key) => _pairs.LastOrDefault(pair => pair.Key == key).Value;

    /// <summary>All values of a repeatable key, in order.</summary>
    public IReadOnlyList<string> GetAll(string key) => [.. _pairs.Where(pair => pair.Key == key).Select(pair => pair.Value)];

    /// <summary>A number within a range, decimal or 0x hexadecimal.</summary>
    /// <exception cref="CommandLineException">It is no number or outside of the range.</exception>
    public int GetInt32(string key, int defaultValue, int min, int max)
    {
        if (Get(key) is not { } text)
            return defaultValue;
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isNumber = isHex
            ? long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, null, out long value)
            : long.TryParse(text, NumberStyles.None, null, out value);
        return isNumber && value >= min && value <= max ? (int)value : throw Invalid(key, text, $"a number from {min} to {max}");
    }

    /// <summary>A switch: 0 or 1.</summary>
    /// <exception cref="CommandLineException">It is neither.</exception>
    public bool GetBoolean(string key, bool defaultValue = false) => Get(key) switch
    {
        null => defaultValue,
        "0" => false,
        "1" => true,
        string text => throw Invalid(key, text, "0 or 1"),
    };

    /// <summary>A MAC address; null if the key was not given.</summary>
    /// <exception cref="CommandLineException">It is not the address of one station.</exception>
    public MacAddress? GetMacAddress(string key)
    {
        if (Get(key) is not { } text)
            return null;
        return MacAddress.TryParse(text, out MacAddress address) && address.IsUnicast
            ? address
            : throw Invalid(key, text, "the MAC address of one station, such as 02:00:00:00:00:01");
    }

    /// <summary>The error for a value that the driver refuses.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">What was given.</param>
    /// <param name="expected">What is allowed, as it reads after "is not".</param>
    public CommandLineException Invalid(string key, string value, string expected) =>
        new($"'{key}={value}' of the device '{Name}' is not {expected}");
}
