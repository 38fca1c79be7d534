using System.Text;

namespace Dataplane.Eal;

/// <summary>Prints the table of options for people.</summary>
internal static class EalHelp
{
    private const int MeaningColumn = 34;
    private const int Width = 110;

    private static readonly (OptionGroup Group, string Heading)[] s_headings =
    [
        (OptionGroup.Lcores, "Lcores"),
        (OptionGroup.Memory, "Memory"),
        (OptionGroup.Devices, "Devices"),
        (OptionGroup.Other, "Other"),
        (OptionGroup.WithoutEffect, "Accepted for DPDK's command lines, without effect"),
    ];

    public static string Text(string program)
    {
        var text = new StringBuilder();
        text.Append($"usage: {program} <EAL options> -- <program options>\n");
        foreach ((OptionGroup group, string heading) in s_headings)
        {
            text.Append($"\n{heading}:\n");
            foreach (EalOption option in EalOptionTable.All.Where(option => option.Group == group))
                AppendOption(text, option);
        }

        return text.ToString();
    }

    private static void AppendOption(StringBuilder text, EalOption option)
    {
        string names = string.Join(", ", option.LongNames.Select(name => $"--{name}"));
        string line = (option.Short is { } letter ? $"  -{letter}, " : "      ") + names + ArgumentText(option);
        if (line.Length > MeaningColumn - 2)
        {
            text.Append(line).Append('\n');
            line = "";
        }

        line = line.PadRight(MeaningColumn - 1);
        foreach (string word in option.Meaning.Split(' '))
        {
            if (line.Length + 1 + word.Length > Width)
            {
                text.Append(line).Append('\n');
                line = new string(' ', MeaningColumn - 1);
            }

            line += ' ' + word;
        }

        text.Append(line).Append('\n');
    }

    private static string ArgumentText(EalOption option) => option switch
    {
        { Argument: null } => "",
        { ArgumentIsOptional: true } => "[=" + option.Argument[1..],
        _ => " " + option.Argument,
    };
}
