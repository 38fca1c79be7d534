using System.Collections.Concurrent;
using Dataplane.Ports;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>NICs that say by an interrupt that the link changed.</summary>
/// <inheritdoc/>
public abstract class NicLinkInterruptTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    [Fact]
    public void A_change_of_the_link_is_an_event() => Run(bed =>
    {
        bed.Start();
        var changes = new ConcurrentQueue<LinkStatus>();
        bed.Port.LinkChanged += (_, link) => changes.Enqueue(link);
        for (int i = 1; i <= 3; i++)
        {
            bed.Machine.SetLink(up: false);
            NicTestBed.WaitFor(() => changes.Count == (2 * i) - 1, "the link did not go down");
            bed.Machine.SetLink(up: true);
            NicTestBed.WaitFor(() => changes.Count == 2 * i, "the link did not come up");
        }

        Assert.Equal([false, true, false, true, false, true], changes.Select(link => link.IsUp));
    });

    [Fact]
    public void There_are_events_after_a_restart_and_none_after_the_end() => Run(bed =>
    {
        bed.Start();
        int changes = 0;
        bed.Port.LinkChanged += (_, _) => Interlocked.Increment(ref changes);
        bed.Port.Stop();
        bed.Port.Start();
        NicTestBed.WaitFor(() => bed.Port.GetLink().IsUp, "the link did not come up");
        int before = Volatile.Read(ref changes);
        bed.Machine.SetLink(up: false);
        NicTestBed.WaitFor(() => Volatile.Read(ref changes) == before + 1, "the link did not go down");
        bed.Port.Dispose();
        int atEnd = Volatile.Read(ref changes);
        bed.Machine.SetLink(up: true);
        Thread.Sleep(20);
        Assert.Equal(atEnd, Volatile.Read(ref changes));
    });
}
