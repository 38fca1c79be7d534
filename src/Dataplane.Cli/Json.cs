using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Dataplane.Cli.Devbind;
using Dataplane.Cli.Hugepages;

namespace Dataplane.Cli;

/// <summary>What --json prints: snake_case, indented.</summary>
[JsonSerializable(typeof(NetworkDevice[]))]
[JsonSerializable(typeof(HugepageState))]
internal sealed partial class Json : JsonSerializerContext
{
    /// <summary>How it is written.</summary>
    public static Json Context { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        // It goes to a terminal or a program, not into a page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>Writes a value and a line end.</summary>
    public static void Write<T>(T value, JsonTypeInfo<T> type, TextWriter output) => output.WriteLine(JsonSerializer.Serialize(value, type));
}
