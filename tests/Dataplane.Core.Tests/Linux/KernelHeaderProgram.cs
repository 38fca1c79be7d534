using System.Globalization;
using Dataplane.Linux;
using Dataplane.Testing;

namespace Dataplane.Core.Tests.Linux;

/// <summary>
/// A C program that prints what sizeof, offsetof and constants of the kernel's headers are on an architecture. Questions
/// are asked per set of headers, each in a file of its own, because not all headers can stand side by side.
/// </summary>
internal sealed class KernelHeaderProgram(KernelArchitectures architecture)
{
    private readonly SortedDictionary<string, List<string>> _questions = new(StringComparer.Ordinal);

    /// <summary>Adds an expression to print; it may be one that only newer headers know.</summary>
    /// <param name="headers">What it needs, in this order.</param>
    /// <param name="expression">An integer in C.</param>
    /// <param name="onlyIfDefined">A macro without which the expression is left out; null for none.</param>
    public void Ask(IEnumerable<string> headers, string expression, string? onlyIfDefined = null)
    {
        string key = string.Concat(headers.Select(header => $"#include <{header}>\n"));
        if (!_questions.TryGetValue(key, out List<string>? lines))
            _questions.Add(key, lines = []);
        string line = $"    printf(\"%lld {expression}\\n\", (long long)({expression}));\n";
        lines.Add(onlyIfDefined is null ? line : $"#ifdef {onlyIfDefined}\n{line}#endif\n");
    }

    /// <summary>Compiles and runs it, under qemu for another architecture than ours.</summary>
    /// <returns>The value of each expression.</returns>
    public Dictionary<string, long> Run()
    {
        (string compiler, string[] emulator) = architecture switch
        {
            KernelArchitectures.Arm64 => ("aarch64-linux-gnu-gcc", new[] { "qemu-aarch64-static" }),
            _ => ("x86_64-linux-gnu-gcc", []),
        };
        using var folder = new TemporaryFolder();
        List<string> sources = WriteSources(folder);
        string program = folder["program"];

        Shell.Run(compiler, ["-std=gnu11", "-w", "-static", "-o", program, .. sources]);
        string[] command = [.. emulator, program];
        string output = Shell.Run(command[0], command[1..]);

        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', 2))
            .GroupBy(parts => parts[1], parts => long.Parse(parts[0], CultureInfo.InvariantCulture), StringComparer.Ordinal)
            .ToDictionary(same => same.Key, same => same.Distinct().Single(), StringComparer.Ordinal);
    }

    private List<string> WriteSources(TemporaryFolder folder)
    {
        List<string> sources = [];
        string calls = "";
        string declarations = "";
        foreach ((string includes, List<string> questions) in _questions)
        {
            string name = $"unit{sources.Count}";
            sources.Add(folder[$"{name}.c"]);
            File.WriteAllText(
                sources[^1],
                $"#define _GNU_SOURCE\n#include <stddef.h>\n#include <stdio.h>\n{includes}void {name}(void)\n{{\n{string.Concat(questions)}}}\n");
            declarations += $"void {name}(void);\n";
            calls += $"    {name}();\n";
        }

        sources.Add(folder["main.c"]);
        File.WriteAllText(sources[^1], $"{declarations}int main(void)\n{{\n{calls}    return 0;\n}}\n");
        return sources;
    }
}
