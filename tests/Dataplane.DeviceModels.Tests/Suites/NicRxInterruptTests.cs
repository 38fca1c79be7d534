using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>NICs whose rx queues can wake a sleeping lcore.</summary>
/// <inheritdoc/>
public abstract class NicRxInterruptTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void A_frame_wakes_the_lcore_that_waits_for_it() => Run(bed =>
    {
        Start(bed, queues: 1);
        var waiter = new RxWaiter(bed.Port.RxQueues);
        AssertSleeps(waiter);
        for (int i = 0; i < 20; i++)
        {
            byte[] frame = TestFrames.To(bed.Port.MacAddress, 60, i);
            Task send = Task.Run(() =>
            {
                Thread.Sleep(5);
                bed.Wire.Send(frame);
            });
            Assert.True(waiter.Wait(NicTestBed.Patience), "it did not wake");
            AssertSame(frame, bed.ReceiveFrame());
            send.Wait();
        }

        AssertSleeps(waiter);
    });

    [Fact]
    public void A_frame_that_is_there_already_ends_the_wait_at_once() => Run(bed =>
    {
        Start(bed, queues: 1);
        var waiter = new RxWaiter(bed.Port.RxQueues);
        for (int i = 0; i < 5; i++)
        {
            foreach (byte[] frame in ToPort(bed, 3))
                bed.Wire.Send(frame);
            NicTestBed.WaitFor(() => waiter.Wait(s_short), "it did not wake");
            Packet.Free(bed.Receive(3));
        }
    });

    [Fact]
    public void Every_queue_wakes_its_lcore() => Run(bed =>
    {
        int queues = Model.SpreadsFlows ? 2 : 1;
        Start(bed, queues);
        RxWaiter[] waiters = [.. bed.Port.RxQueues.Select(queue => new RxWaiter([queue]))];
        IpFrame kind = IpFrame.Kinds[0] with { Destination = bed.Port.MacAddress };
        var woken = new HashSet<int>();
        var burst = new Packet[32];
        for (ushort flow = 0; flow < 20; flow++)
        {
            bed.Wire.Send((kind with { Flow = flow }).Create());
            NicTestBed.WaitFor(
                () =>
                {
                    int queue = Array.FindIndex(waiters, waiter => waiter.Wait(TimeSpan.FromMilliseconds(2)));
                    int count = queue < 0 ? 0 : bed.Port.RxQueues[queue].Receive(burst);
                    Packet.Free(burst.AsSpan(0, count));
                    if (count > 0)
                        woken.Add(queue);
                    return count > 0;
                },
                "no queue woke");
        }

        Assert.Equal(queues, woken.Count);
    });

    [Fact]
    public void A_stop_and_a_start_leave_interrupts_working() => Run(bed =>
    {
        Start(bed, queues: 1);
        for (int i = 0; i < 3; i++)
        {
            var waiter = new RxWaiter(bed.Port.RxQueues);
            bed.Wire.Send(TestFrames.To(bed.Port.MacAddress, 60, i));
            Assert.True(waiter.Wait(NicTestBed.Patience), "it did not wake");
            bed.ReceiveFrame();
            bed.Port.Stop();
            bed.Port.Start();
            NicTestBed.WaitFor(() => bed.Port.GetLink().IsUp, "the link did not come up");
        }
    });

    /// <summary>It may wake once for a frame that was polled already, but not for ever.</summary>
    private static void AssertSleeps(RxWaiter waiter) =>
        NicTestBed.WaitFor(() => !waiter.Wait(s_short), "it wakes without a frame");

    private static void Start(NicTestBed bed, int queues) => bed.Start(configuration => configuration with
    {
        RxQueues = queues,
        RxInterrupts = true,
    });
}
