using System.Diagnostics;

namespace Dataplane.Testing.Programs;

/// <summary>A program that runs beside us: we type into it and read what it prints, line by line as it comes.</summary>
public sealed class ConsoleProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

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

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Everything that it has printed.</summary>
    public string Output => string.Join('\n', LinesFrom(0).Select(line => line.Text));

    /// <summary>Starts a program.</summary>
    /// <param name="words">Program and arguments.</param>
    public static ConsoleProcess Start(params IReadOnlyList<string> words)
    {
        long started = Stopwatch.GetTimestamp();
        Process process = Process.Start(new ProcessStartInfo(words[0], words.Skip(1))
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
    /// <returns>Its exit code.</returns>
    public int Interrupt()
    {
        Shell.TryRun("kill", "-INT", $"{_process.Id}");
        return WaitForExit();
    }

    /// <summary>Ends it at once, by SIGKILL, and waits until it is gone.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Waits until it has exited.</summary>
    /// <returns>Its exit code.</returns>
    public int WaitForExit()
    {
        if (!_process.WaitForExit(s_patience))
            throw Failure("did not end");
        // Without a limit it also waits for the last lines.
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Kills it, if it still runs.</summary>
    public void Dispose()
    {
        Kill();
        _process.Dispose();
        _printed.Dispose();
    }

    private ProgramException Failure(string what) => new(
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
