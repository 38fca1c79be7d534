using System.Diagnostics;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Tests.Peers;

public class QueueGateTests
{
    [Fact]
    public void It_is_closed_until_it_is_opened()
    {
        var gate = new QueueGate();
        Assert.False(gate.TryEnter());
        gate.Open();
        Assert.True(gate.IsOpen);
        Assert.True(gate.TryEnter());
        gate.Leave();
        gate.Close();
        Assert.False(gate.TryEnter());
    }

    [Fact]
    public void Nobody_is_inside_while_it_is_closed()
    {
        const int Valid = 1, Poison = -1, Rounds = 100_000;
        var gate = new QueueGate();
        int connection = Poison;
        bool stop = false;
        long entered = 0, wrong = 0;
        var lcore = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                if (!gate.TryEnter())
                    continue;
                // Plain reads, as of a ring's address.
                if (connection != Valid || connection != Valid)
                    wrong++;
                gate.Leave();
                entered++;
            }
        });
        lcore.Start();
        // Fewer where the machine is busy; but not none.
        var enough = Stopwatch.StartNew();
        for (int i = 0; (i < Rounds && enough.Elapsed.TotalSeconds < 5) || Volatile.Read(ref entered) == 0; i++)
        {
            connection = Valid;
            gate.Open();
            if (i % 64 == 0)
                Thread.Yield();
            gate.Close();
            connection = Poison;
        }

        Volatile.Write(ref stop, true);
        lcore.Join();
        Assert.Equal(0, wrong);
    }
}
