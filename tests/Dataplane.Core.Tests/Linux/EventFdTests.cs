using Dataplane.Linux;

namespace Dataplane.Core.Tests.Linux;

public unsafe class EventFdTests
{
    private const ulong Full = ulong.MaxValue - 1;

    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

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

    [Fact]
    public void Draining_does_not_wait_although_the_peer_made_it_blocking()
    {
        using var shared = new EventFd(isShared: true);
        Block(shared);
        var thread = new Thread(() => Assert.False(shared.TryDrain())) { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(Generous));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_peer_that_fills_the_counter_holds_a_signal_up_for_a_moment_and_gets_no_more(bool isOurs)
    {
        using EventFd shared = isOurs ? new EventFd(isShared: true) : EventFd.TryWrap(Libc.EventFd(0, Libc.EFD_CLOEXEC))!;
        Block(shared);
        ulong full = Full;
        Assert.Equal(sizeof(ulong), Libc.Write(shared.Handle, &full, sizeof(ulong)));
        var thread = new Thread(shared.Signal) { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(Generous));
        Assert.True(SpinWait.SpinUntil(() => shared.IsAbused, Generous));
        while (shared.TryDrain())
        {
            // What the signal that was held up left.
        }

        shared.Signal();
        Assert.False(shared.TryDrain());
    }

    [Fact]
    public void Many_signals_that_nobody_takes_are_no_abuse()
    {
        using var shared = new EventFd(isShared: true);
        ulong many = Full - 1;
        Assert.Equal(sizeof(ulong), Libc.Write(shared.Handle, &many, sizeof(ulong)));
        Thread.Sleep(300);
        Assert.False(shared.IsAbused);
    }

    private static void Block(EventFd shared) => Assert.Equal(0, Libc.Fcntl(shared.Handle, Libc.F_SETFL, 0));
}
