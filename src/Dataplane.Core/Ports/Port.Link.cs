namespace Dataplane.Ports;

/// <content>Link state and its change event.</content>
public abstract partial class Port
{
    private readonly Lock _linkLock = new();
    private LinkStatus _lastLink;
    private ulong _linkReports;
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
        while (true)
        {
            ulong reports;
            lock (_linkLock)
                reports = _linkReports;
            LinkStatus link;
            lock (_gate)
                link = State == PortState.Closed ? LinkStatus.Down : ReadLink();
            // What another thread reported meanwhile may be newer, and must not be followed by an event of what was before.
            if (ReportLink(link, reports))
                return link;
        }
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
    protected void ReportLink(LinkStatus link) => ReportLink(link, after: null);

    /// <param name="link">What was read.</param>
    /// <param name="after">The number of reports before it was read; null: whatever it was.</param>
    /// <returns>Whether it was taken: not if there were other reports since.</returns>
    private bool ReportLink(LinkStatus link, ulong? after)
    {
        lock (_linkLock)
        {
            if (after is { } reports && reports != _linkReports)
                return false;
            _linkReports++;
            if (link == _lastLink)
                return true;
            _lastLink = link;
        }

        LinkChanged?.Invoke(this, link);
        return true;
    }
}
