using System.Globalization;

namespace Dataplane.Testing.Programs;

/// <summary>A running testpmd, DPDK's test program, which forwards between its two ports when <see cref="Start"/> returns.</summary>
public sealed class TestPmd : IDisposable
{
    private const int Ports = 2;

    private TestPmd(ConsoleProcess console) => Console = console;

    /// <summary>Its prompt.</summary>
    public ConsoleProcess Console { get; }

    /// <summary>Starts it.</summary>
    public static TestPmd Start(TestPmdOptions options)
    {
        var testPmd = new TestPmd(ConsoleProcess.Start([.. options.CommandLine]));
        try
        {
            testPmd.Console.Type(options.FirstBursts == 0 ? "start" : $"start tx_first {options.FirstBursts}");
            testPmd.Read("TX-packets:");
            return testPmd;
        }
        catch
        {
            testPmd.Console.Dispose();
            throw;
        }
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

    private static long ValueOf(string line, string key)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // A port whose counters have started anew shows what it was told to subtract as a negative number without a sign.
        return unchecked((long)ulong.Parse(words[Array.IndexOf(words, key) + 1], CultureInfo.InvariantCulture));
    }
}
