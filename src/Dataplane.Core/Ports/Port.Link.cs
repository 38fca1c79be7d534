namespace Dataplane.Ports;

/// <content>Link state and its change event.</content>
public abstract partial class Port
{
    private readonly Lock _linkLock = new();
    private LinkStatus _lastLink;
    private bool _removalRequested;

    /// <summary>
    /// The link changed. Raised on whichever control thread noticed: the driver's own, or the caller of
    /// <see cref="GetLink"/>; never on a lcore.
    /// </summary>
    public event EventHandler<LinkStatus>? LinkChanged;

    /// <summary>
    /// The host wants the device back, or it was pulled out: no lcore may poll the port any more, and it must be disposed soon.
    /// Raised on a control thread, at most once.
    /// </summary>
    public event EventHandler? RemovalRequested;

    /// <summary>Whether <see cref="RemovalRequested"/> was raised. Any thread.</summary>
    public bool IsRemovalRequested => Volatile.Read(ref _removalRequested);

    /// <summary>The state of the link now. Any thread.</summary>
    public LinkStatus GetLink()
    {
        LinkStatus link;
        lock (_gate)
            link = State == PortState.Closed ? LinkStatus.Down : ReadLink();
        ReportLink(link);
        return link;
    }

    /// <summary>Asks the device. A software port without a peer is up while it is started.</summary>
    protected virtual LinkStatus ReadLink() => State == PortState.Started ? LinkStatus.VirtualUp : LinkStatus.Down;

    /// <summary>Buses call this when the device must be given back.</summary>
    internal void RequestRemoval()
    {
        if (!Interlocked.Exchange(ref _removalRequested, true))
            RemovalRequested?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>Drivers call this when the device tells them of a change; the event is raised if it is one.</summary>
    protected void ReportLink(LinkStatus link)
    {
        lock (_linkLock)
        {
            if (link == _lastLink)
                return;
            _lastLink = link;
        }

        LinkChanged?.Invoke(this, link);
    }
}
