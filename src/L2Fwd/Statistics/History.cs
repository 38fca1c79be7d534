namespace L2Fwd.Statistics;

/// <summary>The latest values of something, drawn as a line of blocks.</summary>
/// <param name="length">How many values are kept.</param>
internal sealed class History(int length)
{
    /// <summary>Blocks of one to eight eighths (U+2581 to U+2588).</summary>
    private const string Blocks = "▁▂▃▄▅▆▇█";

    private readonly Queue<double> _values = new();

    /// <summary>Adds the newest value.</summary>
    public void Add(double value)
    {
        if (_values.Count == length)
            _values.Dequeue();
        _values.Enqueue(value);
    }

    /// <summary>
    /// Draws the values, the newest at the right end, from zero to the highest of them. Where the room is short, one
    /// block stands for the highest of several.
    /// </summary>
    /// <param name="width">Characters to fill.</param>
    public string Draw(int width)
    {
        int perBlock = (length + width - 1) / width;
        // Blocks are cut from the newest value backwards, so that a full block at the right end is always the latest.
        double[] highest = [.. _values.Reverse().Chunk(perBlock).Select(chunk => chunk.Max()).Reverse()];
        double top = highest.DefaultIfEmpty(0).Max();
        return string.Concat(highest.Select(value => top <= 0 ? Blocks[0] : Block(value / top))).PadLeft(width);
    }

    private static char Block(double share) =>
        Blocks[Math.Clamp((int)Math.Ceiling(share * Blocks.Length) - 1, 0, Blocks.Length - 1)];
}
