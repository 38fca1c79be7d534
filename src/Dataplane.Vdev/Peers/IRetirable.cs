namespace Dataplane.Vdev.Peers;

/// <summary>What packets call back into when they are freed; it outlives the connection that they came over.</summary>
internal interface IRetirable : IDisposable
{
    /// <summary>Whether no packet refers to it any more. By the control thread, when the lcore is out of the queue for good.</summary>
    bool IsIdle { get; }
}
