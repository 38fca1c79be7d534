using System.Diagnostics;
using Dataplane.Testing;

namespace Dataplane.Vm.Tests.Rig;

/// <summary>A command that runs in a guest, or ran.</summary>
internal sealed class GuestCommand
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    private readonly Guest _guest;
    private readonly string _files;
    private readonly TaskCompletionSource<int> _pid = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<int> _exitCode = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal GuestCommand(Guest guest, string text, string files)
    {
        _guest = guest;
        _files = files;
        Text = text;
        File.WriteAllText(files + ".sh", text + "\n");
    }

    /// <summary>What was asked for.</summary>
    public string Text { get; }

    /// <summary>What it has written to standard output until now.</summary>
    public string Output => ReadFile(".out");

    /// <summary>What it has written to standard error until now.</summary>
    public string Errors => ReadFile(".err");

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _exitCode.Task.IsCompleted;

    /// <summary>The process of the shell, and of the program that it has become by <c>exec</c>.</summary>
    public int Pid => Get(_pid, "its start");

    /// <summary>Sends a signal, as <c>kill</c> names it.</summary>
    public void Signal(string name) => _guest.Run($"kill -{name} {Pid}");

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public int WaitForExit() => Get(_exitCode, "its end");

    /// <summary>Waits for the end.</summary>
    public ShellResult WaitForResult() => new(Text, WaitForExit(), Output, Errors);

    /// <summary>Waits until something holds while it runs.</summary>
    public void WaitFor(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (HasExited && !condition())
                throw _guest.Failure($"'{Text}' ended before {what}:\n{Output}\n{Errors}");
            if (Stopwatch.GetElapsedTime(start) > s_patience)
                throw _guest.Failure($"'{Text}' runs without {what}:\n{Output}\n{Errors}");
            Thread.Sleep(20);
        }
    }

    internal void Started(int pid) => _pid.SetResult(pid);

    internal void Ended(int exitCode) => _exitCode.SetResult(exitCode);

    internal void GuestDied()
    {
        _pid.TrySetException(new EndOfStreamException());
        _exitCode.TrySetException(new EndOfStreamException());
    }

    private int Get(TaskCompletionSource<int> source, string what)
    {
        Task.WaitAny([source.Task], s_patience);
        return source.Task.IsCompletedSuccessfully
            ? source.Task.Result
            : throw _guest.Failure($"The guest gives no sign of '{Text}' and {what}:\n{Output}\n{Errors}");
    }

    private string ReadFile(string suffix)
    {
        string path = _files + suffix;
        return File.Exists(path) ? File.ReadAllText(path) : "";
    }
}
