using System.Globalization;

namespace Dataplane.Lcores;

/// <summary>
/// Reads what <c>-l</c>, <c>--lcores</c> and <c>-c</c> take:
/// <code>
/// list  = item { "," item }
/// item  = set [ "@" set ]                          lcores @ the CPUs that each of them may run on
/// set   = number | range | "(" (number | range) { "," (number | range) } ")"
/// range = number "-" number
/// </code>
/// Without "@", a number or range runs each lcore on the CPU of its own number, and a group in brackets runs each of
/// its lcores on all CPUs of the group. Blanks are allowed everywhere.
/// </summary>
internal ref struct LcoreList
{
    private readonly string _text;
    private int _at;

    private LcoreList(string text) => _text = text;

    /// <summary>Reads a list or map of lcores.</summary>
    /// <returns>The lcores in ascending order of their ids.</returns>
    /// <exception cref="FormatException">The text is not such a list; the message says where.</exception>
    public static IReadOnlyList<LcoreAssignment> Parse(string text) => new LcoreList(text).ReadList();

    /// <summary>Whether a list gives lcores their ids, so that numbering them anew would contradict it.</summary>
    public static bool IsMap(string text) => text.AsSpan().ContainsAny('@', '(');

    /// <summary>Reads a hexadecimal mask of any length, with or without 0x: lcore n on CPU n for each bit n.</summary>
    /// <exception cref="FormatException">The text is not such a mask, or has no bit set.</exception>
    public static IReadOnlyList<LcoreAssignment> ParseMask(string text)
    {
        ReadOnlySpan<char> digits = text.AsSpan().Trim();
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            digits = digits[2..];
        var assignments = new List<LcoreAssignment>();
        for (int i = 0; i < digits.Length; i++)
        {
            char digit = digits[^(i + 1)];
            if (!char.IsAsciiHexDigit(digit))
                throw new FormatException($"'{digit}' is no hexadecimal digit");
            int value = Convert.ToInt32(digit.ToString(), 16);
            for (int bit = 0; bit < 4; bit++)
            {
                if ((value >> bit & 1) == 0)
                    continue;
                int cpu = i * 4 + bit;
                if (cpu >= CpuSet.MaxCpus)
                    throw BeyondLast($"bit {cpu}");
                assignments.Add(OnOwnCpu(cpu));
            }
        }

        return assignments.Count > 0 ? assignments : throw new FormatException("it has no bit set");
    }

    private static FormatException BeyondLast(string what) =>
        new($"{what} is beyond the last CPU that there can be, {CpuSet.MaxCpus - 1}");

    private static LcoreAssignment OnOwnCpu(int cpu) => new(cpu, new CpuSet([cpu]));

    private List<LcoreAssignment> ReadList()
    {
        var lcores = new Dictionary<int, CpuSet>();
        var assignments = new List<LcoreAssignment>();
        do
        {
            SkipBlanks();
            bool isGroup = _at < _text.Length && _text[_at] == '(';
            CpuSet ids = ReadSet();
            CpuSet? cpus = Skip('@') ? ReadSet() : isGroup ? ids : null;
            foreach (int id in ids.Cpus)
            {
                CpuSet own = cpus ?? new CpuSet([id]);
                if (lcores.TryAdd(id, own))
                    assignments.Add(new LcoreAssignment(id, own));
                else if (lcores[id] is var before && !before.Equals(own))
                    throw new FormatException($"lcore {id} is given twice, on CPUs {before} and on CPUs {own}");
            }
        }
        while (Skip(','));

        SkipBlanks();
        if (_at < _text.Length)
            throw Unexpected();
        assignments.Sort((left, right) => left.LcoreId.CompareTo(right.LcoreId));
        return assignments;
    }

    private CpuSet ReadSet()
    {
        if (!Skip('('))
            return new CpuSet(ReadRange());
        var numbers = new List<int>();
        do
            numbers.AddRange(ReadRange());
        while (Skip(','));
        return Skip(')') ? new CpuSet(numbers) : throw Unexpected();
    }

    private IEnumerable<int> ReadRange()
    {
        int first = ReadNumber();
        int last = Skip('-') ? ReadNumber() : first;
        return first <= last
            ? Enumerable.Range(first, last - first + 1)
            : throw new FormatException($"the range {first}-{last} ends before it starts");
    }

    private int ReadNumber()
    {
        SkipBlanks();
        int start = _at;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
            _at++;
        if (start == _at)
            throw Unexpected();
        ReadOnlySpan<char> digits = _text.AsSpan(start, _at - start);
        bool fits = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number);
        return fits && number < CpuSet.MaxCpus ? number : throw BeyondLast(digits.ToString());
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length && _text[_at] is ' ' or '\t')
            _at++;
    }

    private bool Skip(char wanted)
    {
        SkipBlanks();
        if (_at == _text.Length || _text[_at] != wanted)
            return false;
        _at++;
        return true;
    }

    private readonly FormatException Unexpected() => new(_at < _text.Length
        ? $"'{_text[_at]}' is not expected at position {_at + 1}"
        : "it ends too early");
}
