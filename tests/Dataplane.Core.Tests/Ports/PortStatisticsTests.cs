using Dataplane.Ports;

namespace Dataplane.Core.Tests.Ports;

public sealed unsafe class PortStatisticsTests
{
    [Fact]
    public void Queues_have_lines_of_their_own()
    {
        using TestRuntime test = Counting();

        Assert.Equal(128, sizeof(QueueCounters));
        Assert.Equal(128, (byte*)test.Port.RxQueues[1].Counters - (byte*)test.Port.RxQueues[0].Counters);
        Assert.Equal(0u, (nuint)test.Port.RxQueues[0].Counters % 128);
    }

    [Fact]
    public void The_port_sums_its_queues_and_its_device()
    {
        using TestRuntime test = Counting();

        Assert.Equal(
            new PortStatistics
            {
                InputPackets = 11,
                InputBytes = 1100,
                InputErrors = 3,
                InputMissed = 1007,
                RxNoMbuf = 5,
                OutputPackets = 20,
                OutputBytes = 2000,
                OutputErrors = 4,
            },
            test.Port.GetStatistics());
        Assert.Equal((1UL, 100UL), (test.Port.GetRxQueueStatistics(1).Packets, test.Port.GetRxQueueStatistics(1).Bytes));
        Assert.Equal((20UL, 4UL), (test.Port.GetTxQueueStatistics(0).Packets, test.Port.GetTxQueueStatistics(0).Errors));
        Assert.Throws<ArgumentOutOfRangeException>(() => test.Port.GetRxQueueStatistics(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => test.Port.GetTxQueueStatistics(-1));
    }

    [Fact]
    public void Extended_statistics_have_the_names_of_DPDK()
    {
        using TestRuntime test = Counting();
        IReadOnlyList<ExtendedStatistic> all = test.Port.GetExtendedStatistics();

        Assert.Equal(
            [
                "rx_good_packets", "tx_good_packets", "rx_good_bytes", "tx_good_bytes", "rx_missed_errors", "rx_errors",
                "tx_errors", "rx_mbuf_allocation_errors", "rx_q0_packets", "rx_q0_bytes", "rx_q0_errors", "rx_q1_packets",
                "rx_q1_bytes", "rx_q1_errors", "tx_q0_packets", "tx_q0_bytes", "rx_test_missed",
            ],
            all.Select(statistic => statistic.Name));
        Assert.Equal(
            [11, 20, 1100, 2000, 1007, 3, 4, 5, 10, 1000, 3, 1, 100, 0, 20, 2000, 1000],
            all.Select(statistic => statistic.Value));
    }

    [Fact]
    public void A_reset_starts_from_zero_without_touching_what_the_lcores_write()
    {
        using TestRuntime test = Counting();
        QueueCounters* counters = test.Port.RxQueues[0].Counters;
        test.Port.ResetStatistics();

        Assert.Equal(default, test.Port.GetStatistics());
        Assert.Equal(10UL, counters->Packets);
        counters->Packets += 2;
        counters->Missed++;
        Assert.Equal((2UL, 1UL), (test.Port.GetStatistics().InputPackets, test.Port.GetStatistics().InputMissed));
    }

    [Fact]
    public void Counts_survive_a_new_configuration()
    {
        using TestRuntime test = Counting();
        test.Port.Stop();
        test.Port.Configure(test.Configuration(rxQueues: 1));

        Assert.Equal(11UL, test.Port.GetStatistics().InputPackets);
        Assert.DoesNotContain(test.Port.GetExtendedStatistics(), statistic => statistic.Name == "rx_q1_packets");
    }

    [Fact]
    public void A_closed_port_still_tells_what_its_queues_counted_and_does_not_ask_the_device()
    {
        using TestRuntime test = Counting();
        test.Port.ResetStatistics();
        test.Port.RxQueues[0].Counters->Packets += 5;
        test.Port.Dispose();
        test.Calls.Clear();

        Assert.Equal(new PortStatistics { InputPackets = 5 }, test.Port.GetStatistics());
        Assert.Equal(new ExtendedStatistic("rx_good_packets", 5), test.Port.GetExtendedStatistics()[0]);
        Assert.DoesNotContain(test.Port.GetExtendedStatistics(), statistic => statistic.Name == "rx_test_missed");
        Assert.Empty(test.Calls);
        test.Port.ResetStatistics();
        Assert.Equal(default, test.Port.GetStatistics());
    }

    [Fact]
    public void A_queue_that_outlives_its_forgotten_port_still_has_counters()
    {
        RxQueue queue = QueueOfAForgottenPort();
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(10UL, queue.Counters->Packets);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static RxQueue QueueOfAForgottenPort() => Counting().Port.RxQueues[0];

    private static TestRuntime Counting()
    {
        var test = new TestRuntime();
        test.Port.Configure(test.Configuration(rxQueues: 2));
        test.Port.Start();
        *test.Port.RxQueues[0].Counters = new QueueCounters { Packets = 10, Bytes = 1000, Errors = 3, Missed = 7, NoMbuf = 5 };
        *test.Port.RxQueues[1].Counters = new QueueCounters { Packets = 1, Bytes = 100 };
        *test.Port.TxQueues[0].Counters = new QueueCounters { Packets = 20, Bytes = 2000, Errors = 4 };
        test.Port.DeviceMissed = 1000;
        return test;
    }
}
