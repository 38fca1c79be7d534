using System.Text;

namespace Dataplane.Vdev.Memif;

/// <summary>Text in the fields of messages, which ends with a zero byte or with the field.</summary>
internal static class MemifText
{
    /// <summary>Writes as much as fits with a zero byte behind it.</summary>
    public static void Write(Span<byte> field, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        field.Clear();
        bytes.AsSpan(0, Math.Min(bytes.Length, field.Length - 1)).CopyTo(field);
    }

    /// <summary>The bytes before the first zero.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return end < 0 ? field : field[..end];
    }

    /// <summary>Reads what a peer wrote, for messages: what could not be printed is a question mark.</summary>
    public static string Read(ReadOnlySpan<byte> field)
    {
        ReadOnlySpan<byte> bytes = Trim(field);
        return string.Create(bytes.Length, bytes, static (text, bytes) =>
        {
            for (int i = 0; i < bytes.Length; i++)
                text[i] = bytes[i] is >= 0x20 and < 0x7F ? (char)bytes[i] : '?';
        });
    }
}
