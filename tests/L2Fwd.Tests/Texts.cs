using System.Text;
using L2Fwd.Terminal;

namespace L2Fwd.Tests;

/// <summary>An <see cref="Output"/> whose text can be read.</summary>
internal sealed class Texts : IDisposable
{
    private readonly MemoryStream _stream = new();

    public Texts() => Output = new Output(_stream);

    public Output Output { get; }

    public byte[] Bytes => _stream.ToArray();

    public string Text => Encoding.UTF8.GetString(Bytes);

    public void Dispose() => Output.Dispose();
}
