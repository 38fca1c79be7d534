using System.Globalization;

namespace Dataplane.Eal;

/// <summary>Reads the address of a PCI device: <c>[domain:]bus:device.function</c>, hexadecimal.</summary>
internal static class PciAddress
{
    /// <summary>Turns an address into the form that sysfs has: <c>0000:01:00.0</c>.</summary>
    /// <returns>False if the text is no PCI address.</returns>
    public static bool TryNormalize(string text, out string address)
    {
        address = "";
        int dot = text.LastIndexOf('.');
        string[] parts = dot < 0 ? [] : text[..dot].Split(':');
        if (parts.Length is not (2 or 3))
            return false;
        // Domains have more than 16 bits behind a VMD (Linux numbers those from 10000 on).
        if (!TryHex(parts.Length == 3 ? parts[0] : "0", 8, int.MaxValue, out int domain) ||
            !TryHex(parts[^2], 2, 0xff, out int bus) ||
            !TryHex(parts[^1], 2, 0x1f, out int device) ||
            !TryHex(text[(dot + 1)..], 1, 7, out int function))
        {
            return false;
        }

        address = string.Create(CultureInfo.InvariantCulture, $"{domain:x4}:{bus:x2}:{device:x2}.{function:x}");
        return true;
    }

    private static bool TryHex(string text, int digits, int most, out int value) =>
        int.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value) &&
        text.Length <= digits && value >= 0 && value <= most;
}
