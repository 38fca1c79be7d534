using System.Diagnostics;
using System.Globalization;

namespace Dataplane.Testing.Programs;

/// <summary>A running testpmd, DPDK's test program, with two ports.</summary>
public sealed class TestPmd : IDisposable
{
    private const int Ports = 2;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    private TestPmd(ConsoleProcess console) => Console = console;

    /// <summary>Its prompt.</summary>
    public ConsoleProcess Console { get; }

    /// <summary>Starts it; it forwards between its ports when this returns.</summary>
    public static TestPmd Start(TestPmdOptions options)
    {
        TestPmd testPmd = Open(options);
        try
        {
            testPmd.Forward(options.FirstBursts);
            return testPmd;
        }
        catch
        {
            testPmd.Console.Dispose();
            throw;
        }
    }

    /// <summary>Starts it; its ports are there when this returns, and nothing is forwarded before <see cref="Forward"/>.</summary>
    public static TestPmd Open(TestPmdOptions options)
    {
        var testPmd = new TestPmd(ConsoleProcess.Start([.. options.CommandLine]));
        try
        {
            testPmd.Read("TX-packets:");
            return testPmd;
        }
        catch
        {
            testPmd.Console.Dispose();
            throw;
        }
    }

    /// <summary>Begins to forward.</summary>
    /// <param name="firstBursts">Bursts of 32 packets that each port sends first.</param>
    public void Forward(int firstBursts)
    {
        Console.Type(firstBursts == 0 ? "start" : $"start tx_first {firstBursts}");
        Read("TX-packets:");
    }

    /// <summary>Polls its ports once, for those that do not offer the other side any buffers before; it forwards nothing afterwards.</summary>
    public void PollOnce()
    {
        Console.Type("start");
        Console.Type("stop");
    }

    /// <summary>Waits until both ports have found their peers.</summary>
    public void WaitForLinks()
    {
        WaitUntil("its ports are not up", () =>
        {
            int mark = Console.LineCount;
            Console.Type("show port summary all");
            // Behind the number: MAC address, name, driver, status, speed.
            return Console.WaitFor(mark, Ports, line => line.Length > 0 && char.IsAsciiDigit(line[0]))
                .All(line => line.Text.Contains(" up ", StringComparison.Ordinal));
        });
    }

    /// <summary>Waits until both ports have received something.</summary>
    public void WaitForPackets() => WaitUntil("it does not receive", () => Read("RX-packets:").All(count => count > 0));

    /// <summary>Begins to count the cycles of its core; it costs some 50 per burst.</summary>
    public void BeginCycles()
    {
        Console.Type("set record-core-cycles on");
        // A round that is under way counts from cycle 0 on; what it counts is cleared, if it is over then.
        Thread.Sleep(200);
        Console.Type("clear fwd stats all");
    }

    /// <summary>Ends what <see cref="BeginCycles"/> began.</summary>
    public CoreCycles EndCycles()
    {
        CoreCycles? cycles = null;
        WaitUntil("it forwards nothing", () =>
        {
            int mark = Console.LineCount;
            Console.Type("show fwd stats all");
            // The line of the cycles follows, unless there were no packets; that of the ports' statistics is the end.
            Read("TX-packets:");
            cycles = Console.LinesFrom(mark).Select(line => CoreCycles.Find(line.Text)).FirstOrDefault(found => found is not null);
            return cycles is not null;
        });
        Console.Type("set record-core-cycles off");
        return cycles!.Value;
    }

    /// <summary>
    /// Asks for a figure of the statistics of both ports: <c>RX-packets:</c>. Rates, such as <c>Tx-pps:</c>, are since it was
    /// asked last.
    /// </summary>
    public IReadOnlyList<long> Read(string key)
    {
        int mark = Console.LineCount;
        Console.Type("show port stats all");
        // Tx-pps stands last in a port's block.
        Console.WaitFor(mark, Ports, line => line.Contains("Tx-pps:", StringComparison.Ordinal));
        return [.. Console.WaitFor(mark, Ports, line => line.Contains(key, StringComparison.Ordinal)).Select(line => ValueOf(line.Text, key))];
    }

    /// <summary>Stops and starts its ports, and goes on to forward.</summary>
    public void RestartPorts()
    {
        foreach (string command in (string[])["stop", "port stop all", "port start all", "start"])
            Console.Type(command);
    }

    /// <summary>Ends it in an orderly way; if it has ended already, that is all right.</summary>
    public void Dispose()
    {
        try
        {
            if (Console.HasExited)
                return;
            Console.Type("stop");
            Console.Type("quit");
            Console.WaitForExit();
        }
        finally
        {
            Console.Dispose();
        }
    }

    private void WaitUntil(string complaint, Func<bool> isDone)
    {
        long began = Stopwatch.GetTimestamp();
        while (!isDone())
        {
            if (Stopwatch.GetElapsedTime(began) > s_patience)
                throw new ProgramException($"testpmd waits in vain, {complaint}: {string.Join('\n', Console.LinesFrom(0).TakeLast(25).Select(line => line.Text))}");
            Thread.Sleep(10);
        }
    }

    private static long ValueOf(string line, string key)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // A port whose counters have started anew shows what it was told to subtract as a negative number without a sign.
        return unchecked((long)ulong.Parse(words[Array.IndexOf(words, key) + 1], CultureInfo.InvariantCulture));
    }
}
