namespace Dataplane.Core.Tests;

public class IoBarrierTests
{
    private int _flag0;
    private int _flag1;

    [Fact]
    public void A_load_does_not_pass_a_store_over_the_full_barrier()
    {
        // Dekker's test, which x86 fails without a fence: both sides store, then load the other's flag; one must see the other.
        const int Rounds = 2_000;
        using var start = new Barrier(2);
        int[] seen0 = new int[Rounds];
        int[] seen1 = new int[Rounds];
        var other = new Thread(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                start.SignalAndWait();
                Volatile.Write(ref _flag1, round + 1);
                IoBarrier.Full();
                seen1[round] = Volatile.Read(ref _flag0);
            }
        });
        other.Start();
        for (int round = 0; round < Rounds; round++)
        {
            start.SignalAndWait();
            Volatile.Write(ref _flag0, round + 1);
            IoBarrier.Full();
            seen0[round] = Volatile.Read(ref _flag1);
        }

        other.Join();

        for (int round = 0; round < Rounds; round++)
            Assert.True(seen0[round] > round || seen1[round] > round, $"both loads passed the stores in round {round}");
    }

    [Fact]
    public void Store_and_load_barriers_return()
    {
        IoBarrier.Store();
        IoBarrier.Load();
    }
}
