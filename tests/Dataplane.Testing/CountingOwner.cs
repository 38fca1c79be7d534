using System.Runtime.InteropServices;
using Dataplane.Packets;

namespace Dataplane.Testing;

/// <summary>An owner of external data that counts what comes back.</summary>
public sealed unsafe class CountingOwner : IDisposable
{
    private readonly State* _state = (State*)NativeMemory.AllocZeroed((nuint)sizeof(State));

    /// <summary>Makes an owner to whom nothing has come back.</summary>
    public CountingOwner() => _state->Owner.Release = &Release;

    /// <summary>What packets refer to.</summary>
    public ExternalOwner* Owner => &_state->Owner;

    /// <summary>How often data came back.</summary>
    public int Released => Volatile.Read(ref _state->Released);

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.Free(_state);

    private static void Release(ExternalOwner* owner, ulong cookie) => Interlocked.Increment(ref ((State*)owner)->Released);

    private struct State
    {
        public ExternalOwner Owner;
        public int Released;
    }
}
