using System.Text;

namespace Versus.Reports;

/// <summary>A table that is Markdown and reads well as it is: columns are padded, all but the first to the right.</summary>
internal sealed class TextTable(params IReadOnlyList<string> header)
{
    private readonly List<IReadOnlyList<string>> _rows = [header];

    public void Add(params IReadOnlyList<string> row) => _rows.Add(row);

    public override string ToString()
    {
        int[] widths = [.. header.Select((_, column) => _rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        for (int i = 0; i < _rows.Count; i++)
        {
            IEnumerable<string> cells = _rows[i].Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
            if (i == 0)
            {
                IEnumerable<string> rules = widths.Select((width, column) => new string('-', width + 1) + (column == 0 ? "-" : ":"));
                text.Append('|').AppendJoin('|', rules).Append("|\n");
            }
        }

        return text.ToString();
    }
}
