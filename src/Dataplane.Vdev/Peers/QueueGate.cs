using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Memory;

namespace Dataplane.Vdev.Peers;

/// <summary>
/// Lets one lcore use a connection while the control thread may take it away at any moment. The lcore enters for each
/// burst, and the control thread changes what the queue uses only while the gate is closed and nobody is inside.
/// </summary>
/// <remarks>
/// Entering is a store and a load, leaving is a store, all of them plain: what a fence would do for the lcore, once per
/// burst, closing does for both sides with membarrier(2).
/// Barriers, and why (x86-64 | Arm):
/// <code>
/// lcore    inside = 1         -> open is read          the kernel interrupts this CPU when the gate closes, which orders
///                                                      both: either the lcore sees it closed, or it is seen inside (none | none)
/// lcore    open is read       -> the connection used   acquire, for what was set before the gate opened   (none | ldar)
/// lcore    connection used    -> inside = 0            release, before it is taken away                   (none | stlr)
/// control  open = 0           -> inside is read        MemoryBarrierProcessWide                           (membarrier | membarrier)
/// control  connection is set  -> open = 1              release                                            (none | stlr)
/// </code>
/// </remarks>
internal sealed class QueueGate
{
    private State _state;

    /// <summary>Whether the queue may be used; for the control thread, which alone changes it.</summary>
    public bool IsOpen => Volatile.Read(ref _state.Open) != 0;

    /// <summary>Enters, for one burst. By the queue's lcore; it does not nest.</summary>
    /// <returns>False if the gate is closed; nothing is to be left then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter()
    {
        Volatile.Write(ref _state.Inside, 1);
        if (Volatile.Read(ref _state.Open) != 0)
            return true;
        Volatile.Write(ref _state.Inside, 0);
        return false;
    }

    /// <summary>Leaves, after <see cref="TryEnter"/> returned true.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave() => Volatile.Write(ref _state.Inside, 0);

    /// <summary>Lets the lcore in. By the control thread, when all that the queue uses is set.</summary>
    public void Open() => Volatile.Write(ref _state.Open, 1);

    /// <summary>Lets nobody in any more and waits until nobody is inside, which takes as long as a burst. By the control thread.</summary>
    public void Close()
    {
        Volatile.Write(ref _state.Open, 0);
        Interlocked.MemoryBarrierProcessWide();
        var wait = new SpinWait();
        while (Volatile.Read(ref _state.Inside) != 0)
            wait.SpinOnce(sleep1Threshold: -1);
    }

    /// <summary>Both on a line that is nobody else's: the lcore writes it per burst, and nobody else but to close.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 2 * AlignedMemory.Alignment)]
    private struct State
    {
        [FieldOffset(AlignedMemory.Alignment)] public int Inside;
        [FieldOffset(AlignedMemory.Alignment + sizeof(int))] public int Open;
    }
}
