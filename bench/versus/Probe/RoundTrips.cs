namespace Versus.Probe;

/// <summary>Counts round trips by their nanoseconds; it allocates for those above a millisecond only.</summary>
internal sealed class RoundTrips
{
    private readonly int[] _short = new int[1 << 20];
    private readonly Dictionary<int, int> _long = [];

    /// <summary>How many there were.</summary>
    public int Count { get; private set; }

    /// <summary>How many took so many nanoseconds.</summary>
    public IReadOnlyDictionary<int, int> Counts =>
        _short.Index().Where(entry => entry.Item > 0).Select(entry => KeyValuePair.Create(entry.Index, entry.Item)).Concat(_long).ToDictionary();

    /// <summary>Counts one.</summary>
    public void Add(int nanoseconds)
    {
        Count++;
        if ((uint)nanoseconds < (uint)_short.Length)
            _short[nanoseconds]++;
        else
            _long[nanoseconds] = _long.GetValueOrDefault(nanoseconds) + 1;
    }
}
