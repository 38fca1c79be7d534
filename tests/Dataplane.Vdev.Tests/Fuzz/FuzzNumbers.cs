namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>Numbers at which something may go wrong, and bytes that were changed.</summary>
internal static class FuzzNumbers
{
    private static readonly ulong[] Borders =
    [
        0, 1, 2, 3, 7, 8, 15, 16, 17, 63, 64, 127, 128, 255, 256, 257, 1023, 1024, 2048, 4095, 4096, 32767, 32768, 32769, 65535, 65536,
        1 << 20, int.MaxValue, 1UL << 31, uint.MaxValue - 1, uint.MaxValue, 1UL << 32, long.MaxValue, 1UL << 63, ulong.MaxValue - 4095,
        ulong.MaxValue - 1, ulong.MaxValue,
    ];

    /// <summary>True in a share of calls.</summary>
    public static bool OneIn(this Random random, int calls) => random.Next(calls) == 0;

    /// <summary>One of them.</summary>
    public static T Pick<T>(this Random random, params ReadOnlySpan<T> from) => from[random.Next(from.Length)];

    /// <summary>Any number, often one at a border.</summary>
    public static ulong Odd(this Random random) => random.Next(4) switch
    {
        0 => (ulong)random.NextInt64(),
        1 => (ulong)random.Next(64),
        2 => random.Pick(Borders) + (ulong)random.Next(-2, 3),
        _ => random.Pick(Borders),
    };

    /// <summary>Changes a few bytes: bits, or a number of 1 to 8 bytes.</summary>
    public static void Mutate(this Random random, Span<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        Span<byte> number = stackalloc byte[8];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(bytes.Length);
            if (random.OneIn(3))
            {
                bytes[at] ^= (byte)(1 << random.Next(8));
                continue;
            }

            BitConverter.TryWriteBytes(number, random.Odd());
            int length = Math.Min(1 << random.Next(4), bytes.Length - at);
            number[..length].CopyTo(bytes[at..]);
        }
    }
}
