using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Tests.Peers;

public sealed class PeerLoopTests : IDisposable
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private readonly RecordingLogger _log = new();
    private readonly PeerLoop _loop;

    public PeerLoopTests() => _loop = new PeerLoop("test peers", _log);

    [Fact]
    public void A_watched_descriptor_calls_until_it_is_read_and_not_after_its_watch_ended()
    {
        using var signal = new EventFd();
        using var called = new SemaphoreSlim(0);
        int calls = 0;
        _loop.Watch(signal.Handle, () =>
        {
            Assert.True(_loop.IsCurrent);
            calls++;
            signal.TryDrain();
            called.Release();
        });
        signal.Signal();
        Assert.True(called.Wait(Generous));
        signal.Signal();
        Assert.True(called.Wait(Generous));
        _loop.Invoke(() => _loop.Unwatch(signal.Handle));
        signal.Signal();
        _loop.Invoke(() => { });
        Assert.Equal(2, calls);
    }

    [Fact]
    public void A_callback_may_end_the_watch_of_another_that_is_ready_at_the_same_time()
    {
        using EventFd first = new(), second = new();
        int calls = 0;
        using var called = new SemaphoreSlim(0);
        _loop.Invoke(() =>
        {
            _loop.Watch(first.Handle, () => End(second));
            _loop.Watch(second.Handle, () => End(first));
            first.Signal();
            second.Signal();
        });
        Assert.True(called.Wait(Generous));
        _loop.Invoke(() => { });
        Assert.Equal(1, calls);

        void End(EventFd other)
        {
            calls++;
            _loop.Unwatch(first.Handle);
            _loop.Unwatch(second.Handle);
            other.Dispose();
            called.Release();
        }
    }

    [Fact]
    public void Timers_run_in_the_order_of_their_times_and_not_when_cancelled()
    {
        var order = new List<int>();
        using var done = new SemaphoreSlim(0);
        _loop.Invoke(() =>
        {
            _loop.After(TimeSpan.FromMilliseconds(30), () =>
            {
                order.Add(3);
                done.Release();
            });
            _loop.After(TimeSpan.FromMilliseconds(20), () => order.Add(2)).Dispose();
            _loop.After(TimeSpan.FromMilliseconds(10), () => order.Add(1));
        });
        Assert.True(done.Wait(Generous));
        Assert.Equal([1, 3], order);
    }

    [Fact]
    public void Invoke_returns_what_the_function_returns_and_throws_what_it_throws_also_on_the_loop()
    {
        Assert.Equal(42, _loop.Invoke(() => _loop.Invoke(() => 42)));
        Assert.Throws<PeerViolationException>(() => _loop.Invoke(() => throw new PeerViolationException("x")));
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void A_callback_that_fails_is_logged_and_the_others_go_on()
    {
        using EventFd bad = new(), good = new();
        using var called = new SemaphoreSlim(0);
        _loop.Watch(bad.Handle, () => throw new InvalidOperationException("broken"));
        _loop.Watch(good.Handle, () => called.Release(good.TryDrain() ? 1 : 0));
        _loop.Post(() => throw new InvalidOperationException("also broken"));
        bad.Signal();
        _loop.Invoke(() => { });
        for (int i = 0; i < 100; i++)
        {
            good.Signal();
            Assert.True(called.Wait(Generous));
        }

        _loop.Invoke(() => _loop.Unwatch(bad.Handle));
        Assert.Contains("test peers: also broken", _log.Lines);
        // Not once per turn of the loop; the pause is a second.
        Assert.InRange(_log.Lines.Count(line => line == "test peers: broken"), 1, 30);
    }

    [Fact]
    public void Work_posted_by_many_threads_is_done_once_each()
    {
        int done = 0;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 1000; i++)
                _loop.Post(() => done++);
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(4000, _loop.Invoke(() => done));
    }

    [Fact]
    public void Dispose_does_what_was_posted_and_later_work_is_refused()
    {
        bool done = false;
        _loop.Post(() => _loop.Post(() => done = true));
        _loop.Dispose();
        _loop.Dispose();
        Assert.True(done);
        Assert.Throws<ObjectDisposedException>(() => _loop.Invoke(() => { }));
    }

    [Fact]
    public void The_loop_can_be_disposed_by_itself()
    {
        _loop.Post(_loop.Dispose);
        _loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _loop.Post(() => { }));
    }

    [Fact]
    public void Memory_is_kept_until_the_last_packet_is_back_also_beyond_the_end_of_the_loop()
    {
        using var released = new SemaphoreSlim(0);
        var idle = new ExternalReturns(8);
        var busy = new ExternalReturns(8);
        _ = idle.Take();
        uint slot = busy.Take();
        idle.MarkReturned(0);
        _loop.Invoke(() => _loop.Retire(idle, () => released.Release()));
        Assert.Equal(1, released.CurrentCount);
        _loop.Invoke(() => _loop.Retire(busy, () => released.Release()));
        _loop.Invoke(() => { });
        _loop.Dispose();
        Assert.Equal(1, released.CurrentCount);
        busy.MarkReturned(slot);
        Assert.True(released.Wait(Generous) && released.Wait(Generous));
    }

    public void Dispose() => _loop.Dispose();
}
