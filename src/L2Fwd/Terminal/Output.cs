using System.Text;

namespace L2Fwd.Terminal;

/// <summary>
/// Standard output or standard error. Every write goes out at once. When nobody can take it any more (a full disk, a
/// reader that is gone), the program goes on in silence: packets matter more than text about them.
/// </summary>
internal sealed class Output(Stream stream) : IDisposable
{
    private readonly Lock _gate = new();
    private bool _broken;

    /// <summary>Writes text as UTF-8, in one piece.</summary>
    public void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <summary>Writes bytes in one piece; does not allocate.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            if (_broken)
                return;
            try
            {
                stream.Write(bytes);
                stream.Flush();
            }
            catch (IOException)
            {
                _broken = true;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();
}
