namespace Dataplane.Vdev.Peers;

/// <summary>A peer broke a rule of its protocol; its connection ends, nothing else does.</summary>
/// <param name="rule">What it did, as it reads after the peer's name: "sent a message of 7 bytes, which has at least 12".</param>
internal sealed class PeerViolationException(string rule) : Exception(rule);
