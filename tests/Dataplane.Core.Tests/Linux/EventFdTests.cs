using Dataplane.Linux;

namespace Dataplane.Core.Tests.Linux;

public class EventFdTests
{
    [Fact]
    public void What_a_peer_sent_is_made_non_blocking()
    {
        using EventFd? wrapped = EventFd.TryWrap(Libc.EventFd(0, Libc.EFD_CLOEXEC));
        Assert.NotNull(wrapped);
        Assert.False(wrapped.TryDrain());
        wrapped.Signal();
        Assert.True(wrapped.TryDrain());
    }

    [Fact]
    public void Something_else_than_an_eventfd_is_left_to_its_owner()
    {
        using var file = Libc.MemfdCreate("no-eventfd", Libc.MFD_CLOEXEC);
        Assert.Null(EventFd.TryWrap(file));
        Assert.False(file.IsClosed);
    }
}
