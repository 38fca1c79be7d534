namespace Dataplane.Packets;

/// <summary>
/// The owner of data that packets refer to without a copy: a queue whose buffers lie in a peer's memory. It lives in
/// unmanaged memory, embedded in the queue's own state, and outlives every packet that refers to it.
/// </summary>
public unsafe struct ExternalOwner
{
    /// <summary>
    /// Takes data back: called once per packet segment with this owner and the cookie of
    /// <see cref="Packet.AttachExternal"/>, on the lcore that frees the packet, which need not be the lcore of the queue.
    /// It neither blocks nor throws.
    /// </summary>
    public delegate*<ExternalOwner*, ulong, void> Release;
}
