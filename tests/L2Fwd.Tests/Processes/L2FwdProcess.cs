using System.Diagnostics;
using System.Text;

namespace L2Fwd.Tests.Processes;

/// <summary>The built program, started as a user starts it. Disposing kills it if it still runs.</summary>
internal sealed class L2FwdProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly Task _readers;

    private L2FwdProcess(Process process)
    {
        _process = process;
        // Read as it comes, by characters: lines would hide whether the last one has its end.
        _readers = Task.WhenAll(ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _errors));
    }

    /// <summary>The program's file, next to the tests.</summary>
    public static string Path { get; } = System.IO.Path.Join(AppContext.BaseDirectory, "l2fwd");

    public int Id => _process.Id;

    public string Output => Text(_output);

    public string Errors => Text(_errors);

    /// <summary>Starts the program.</summary>
    /// <param name="arguments">The command line, split at blanks.</param>
    public static L2FwdProcess Start(string arguments) =>
        StartCommand([Path, .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

    /// <summary>Starts a command that starts the program, such as one that enters a namespace.</summary>
    public static L2FwdProcess StartCommand(params string[] words)
    {
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new L2FwdProcess(Process.Start(start)!);
    }

    /// <summary>Waits until something is printed on standard output.</summary>
    public Task WaitForOutputAsync(string text) =>
        WaitForAsync(() => Output.Contains(text, StringComparison.Ordinal), $"'{text}'");

    /// <summary>
    /// Waits for a statistics screen that counts this many packets in, all of them out, and none dropped.
    /// </summary>
    public Task WaitForTotalsAsync(int packets) => WaitForOutputAsync(
        $"Total packets sent: {packets,18}\nTotal packets received: {packets,14}\nTotal packets dropped: {0,15}\n");

    /// <summary>Waits until something holds.</summary>
    public async Task WaitForAsync(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.False(_readers.IsCompleted && !condition(), $"l2fwd ended before {what}:\n{Output}\n{Errors}");
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"No {what} from l2fwd:\n{Output}\n{Errors}");
            await Task.Delay(20);
        }
    }

    /// <summary>Sends a signal, as <c>kill</c> names it.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> WaitForExitAsync()
    {
        using var patience = new CancellationTokenSource(s_patience);
        await _process.WaitForExitAsync(patience.Token);
        await _readers;
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static string Text(StringBuilder builder)
    {
        lock (builder)
            return builder.ToString();
    }

    private static async Task ReadAsync(StreamReader reader, StringBuilder builder)
    {
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer) is > 0 and int count)
        {
            lock (builder)
                builder.Append(buffer, 0, count);
        }
    }
}
