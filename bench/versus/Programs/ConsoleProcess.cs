using System.Diagnostics;
using Versus.Machine;

namespace Versus.Programs;

/// <summary>A program that runs beside us: we type into it and read what it prints, line by line as it comes.</summary>
internal sealed class ConsoleProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly List<OutputLine> _lines = [];
    private readonly AutoResetEvent _printed = new(initialState: false);
    private readonly Process _process;
    private readonly string _name;

    private ConsoleProcess(Process process, string name)
    {
        _process = process;
        _name = name;
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>How many lines it has printed: a place to read on from.</summary>
    public int LineCount
    {
        get
        {
            lock (_gate)
                return _lines.Count;
        }
    }

    /// <summary>When it was started, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Started { get; private init; }

    /// <summary>Starts a program at a place.</summary>
    /// <param name="placement">Where.</param>
    /// <param name="command">Program and arguments.</param>
    public static ConsoleProcess Start(Placement placement, IEnumerable<string> command)
    {
        List<string> words = [.. placement.Prefix, .. command];
        long started = Stopwatch.GetTimestamp();
        Process process = Process.Start(new ProcessStartInfo(words[0], words[1..])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        return new ConsoleProcess(process, string.Join(' ', words)) { Started = started };
    }

    /// <summary>Types a line.</summary>
    public void Type(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>The lines from a place on.</summary>
    public IReadOnlyList<OutputLine> LinesFrom(int start)
    {
        lock (_gate)
            return _lines[start..];
    }

    /// <summary>Waits until so many lines from a place on are what is looked for.</summary>
    /// <returns>Those lines.</returns>
    public IReadOnlyList<OutputLine> WaitFor(int start, int count, Func<string, bool> wanted)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            List<OutputLine> found = [.. LinesFrom(start).Where(line => wanted(line.Text)).Take(count)];
            if (found.Count == count)
                return found;
            if (_process.HasExited)
                throw Failure($"exited with {_process.ExitCode}");
            if (Stopwatch.GetElapsedTime(began) > s_patience)
                throw Failure("did not answer");
            _printed.WaitOne(TimeSpan.FromMilliseconds(100));
        }
    }

    /// <summary>Sends SIGINT, as Ctrl-C does, and waits until it has exited.</summary>
    public void Interrupt()
    {
        Command.TryRun($"kill -INT {_process.Id}", out _);
        WaitForExit();
    }

    /// <summary>Waits until it has exited.</summary>
    public void WaitForExit()
    {
        if (!_process.WaitForExit(s_patience))
            throw Failure("did not end");
        // Without a limit it also waits for the last lines.
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _printed.Dispose();
    }

    private VersusException Failure(string what) => new(
        $"{_name} {what}; it printed last:\n{string.Join('\n', LinesFrom(0).TakeLast(25).Select(line => $"    {line.Text}"))}");

    private void Add(string? text)
    {
        if (text is null)
            return;
        lock (_gate)
            _lines.Add(new OutputLine(Stopwatch.GetTimestamp(), text));
        _printed.Set();
    }
}

/// <summary>What a program printed, and when it arrived here.</summary>
/// <param name="Timestamp">In ticks of <see cref="Stopwatch"/>.</param>
/// <param name="Text">The line.</param>
internal readonly record struct OutputLine(long Timestamp, string Text);
