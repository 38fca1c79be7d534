namespace L2Fwd.CommandLine;

/// <summary>
/// Reads numbers as C's strtoul does where the whole text must be a number, so that what DPDK's l2fwd takes is taken
/// here: blanks and a plus sign in front, and <c>0x</c> for base 16.
/// </summary>
internal static class CStyleNumber
{
    /// <summary>Reads a number.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="numberBase">8, 10 or 16; 0 lets the prefix decide (<c>0x</c>: 16, <c>0</c>: 8, else 10).</param>
    /// <param name="value">The number.</param>
    /// <returns>
    /// False if it is none, or does not fit 32 bits (strtoul would wrap it into a number that nobody meant).
    /// </returns>
    public static bool TryParse(ReadOnlySpan<char> text, int numberBase, out uint value)
    {
        ReadOnlySpan<char> digits = text.TrimStart();
        if (digits.StartsWith("+"))
            digits = digits[1..];
        if (numberBase is 0 or 16 && digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            digits = digits[2..];
            numberBase = 16;
        }

        if (numberBase == 0)
            numberBase = digits.StartsWith("0") ? 8 : 10;
        return TryParseDigits(digits, (uint)numberBase, out value);
    }

    private static bool TryParseDigits(ReadOnlySpan<char> digits, uint numberBase, out uint value)
    {
        ulong number = 0;
        value = 0;
        foreach (char digit in digits)
        {
            if (!char.IsAsciiHexDigit(digit))
                return false;
            uint worth = (uint)(char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
            number = (number * numberBase) + worth;
            if (worth >= numberBase || number > uint.MaxValue)
                return false;
        }

        value = (uint)number;
        return digits.Length > 0;
    }
}
