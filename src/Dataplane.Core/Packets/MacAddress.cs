using System.Globalization;
using System.Security.Cryptography;

namespace Dataplane.Packets;

/// <summary>An Ethernet address, kept in the low six bytes of a number in the order of the wire (first octet lowest).</summary>
/// <param name="wire">The six octets as a little-endian number; the upper two bytes are ignored.</param>
public readonly struct MacAddress(ulong wire) : IEquatable<MacAddress>
{
    /// <summary>Octets of an address.</summary>
    public const int Length = 6;

    private readonly ulong _wire = wire & 0xFFFF_FFFF_FFFF;

    /// <summary>The address of six octets.</summary>
    /// <exception cref="ArgumentException">There are not six.</exception>
    public MacAddress(ReadOnlySpan<byte> octets)
        : this(FromOctets(octets))
    {
    }

    /// <summary>The octets as a little-endian number, so that one store writes them in the order of the wire.</summary>
    public ulong Wire => _wire;

    /// <summary>Whether it is all zeros, which no station has.</summary>
    public bool IsZero => _wire == 0;

    /// <summary>Whether it is a group address (I/G bit, the lowest of the first octet).</summary>
    public bool IsMulticast => (_wire & 1) != 0;

    /// <summary>Whether it is the address of one station: neither zero nor a group address.</summary>
    public bool IsUnicast => !IsZero && !IsMulticast;

    /// <summary>A random address that is locally administered and unicast, as a port without one of its own takes.</summary>
    public static MacAddress CreateRandom()
    {
        Span<byte> octets = stackalloc byte[Length];
        RandomNumberGenerator.Fill(octets);
        octets[0] = (byte)((octets[0] & 0xFE) | 0x02);
        return new MacAddress(octets);
    }

    /// <summary>Reads <c>02:00:00:00:00:01</c>, with colons or hyphens, in either case.</summary>
    public static bool TryParse(string? text, out MacAddress address)
    {
        address = default;
        string[] parts = text?.Split(text.Contains('-', StringComparison.Ordinal) ? '-' : ':') ?? [];
        if (parts.Length != Length)
            return false;
        Span<byte> octets = stackalloc byte[Length];
        for (int i = 0; i < Length; i++)
        {
            if (parts[i].Length is 0 or > 2 || !byte.TryParse(parts[i], NumberStyles.AllowHexSpecifier, null, out octets[i]))
                return false;
        }

        address = new MacAddress(octets);
        return true;
    }

    /// <summary>Writes the six octets in the order of the wire.</summary>
    public void CopyTo(Span<byte> destination)
    {
        for (int i = 0; i < Length; i++)
            destination[i] = (byte)(_wire >> (8 * i));
    }

    /// <summary>As DPDK prints it: <c>02:00:00:00:00:01</c> with upper-case digits.</summary>
    public override string ToString()
    {
        Span<byte> octets = stackalloc byte[Length];
        CopyTo(octets);
        return $"{octets[0]:X2}:{octets[1]:X2}:{octets[2]:X2}:{octets[3]:X2}:{octets[4]:X2}:{octets[5]:X2}";
    }

    /// <inheritdoc/>
    public bool Equals(MacAddress other) => _wire == other._wire;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is MacAddress other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _wire.GetHashCode();

    /// <summary>Whether two addresses are the same.</summary>
    public static bool operator ==(MacAddress left, MacAddress right) => left.Equals(right);

    /// <summary>Whether two addresses differ.</summary>
    public static bool operator !=(MacAddress left, MacAddress right) => !left.Equals(right);

    private static ulong FromOctets(ReadOnlySpan<byte> octets)
    {
        if (octets.Length != Length)
            throw new ArgumentException($"A MAC address has {Length} octets, not {octets.Length}.", nameof(octets));
        ulong wire = 0;
        for (int i = 0; i < Length; i++)
            wire |= (ulong)octets[i] << (8 * i);
        return wire;
    }
}
