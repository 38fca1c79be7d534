using Versus.Programs;

namespace Versus.Transports;

/// <summary>A program that forwards, and its peer; disposing ends both.</summary>
/// <param name="Program">What is measured.</param>
/// <param name="Peer">testpmd at the other ends; null if there are none.</param>
internal sealed record Traffic(IRunningForwarder Program, TestPmdProcess? Peer) : IDisposable
{
    public void Dispose()
    {
        try
        {
            Peer?.Dispose();
        }
        finally
        {
            Program.Dispose();
        }
    }
}
