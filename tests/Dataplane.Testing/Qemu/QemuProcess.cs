using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Dataplane.Testing.Qemu;

/// <summary>
/// A running QEMU that leaves nothing behind: its sockets are abstract ones, its files are memfds of ours, and it dies with
/// this process, even if that is killed.
/// </summary>
public sealed class QemuProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly StringBuilder _messages = new();
    private readonly TaskCompletionSource<Process> _started = new();
    private readonly Thread _keeper;
    private readonly Process _process;

    /// <summary>Starts it.</summary>
    public QemuProcess(QemuInstallation installation, IEnumerable<string> arguments)
    {
        // The kernel sends setpriv's signal when the thread ends that started the process, so this one stays.
        var start = new ProcessStartInfo(
            "setpriv", ["--pdeathsig", "KILL", installation.Program, .. installation.Arguments, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        if (installation.ModuleFolder is { } modules)
            start.Environment["QEMU_MODULE_DIR"] = modules;
        _keeper = new Thread(() => Keep(start)) { IsBackground = true, Name = "qemu" };
        _keeper.Start();
        _process = _started.Task.GetAwaiter().GetResult();
    }

    /// <summary>What it wrote to standard error: complaints, of device models also with <c>-d guest_errors</c>.</summary>
    public string Messages
    {
        get
        {
            lock (_messages)
                return _messages.ToString();
        }
    }

    /// <summary>As <see cref="Messages"/>, of a process that is about to end: with how it ended.</summary>
    public string LastWords
    {
        get
        {
            _keeper.Join(TimeSpan.FromSeconds(1));
            return Messages;
        }
    }

    /// <summary>Connects to a server socket of it, which may take a moment to be there.</summary>
    public Socket Connect(string abstractName)
    {
        var address = new UnixDomainSocketEndPoint("\0" + abstractName);
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Connect(address);
                return socket;
            }
            catch (SocketException e)
            {
                socket.Dispose();
                if (_process.HasExited || Stopwatch.GetElapsedTime(start) > s_patience)
                    throw new InvalidOperationException($"QEMU has no socket {abstractName}: {LastWords}", e);
                Thread.Sleep(1);
            }
        }
    }

    /// <summary>Ends it; comes back when it is gone.</summary>
    public void Dispose()
    {
        _process.Kill();
        _keeper.Join();
        _process.Dispose();
    }

    private void Keep(ProcessStartInfo start)
    {
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Exception e)
        {
            _started.SetException(e);
            return;
        }

        _started.SetResult(process);
        while (process.StandardError.ReadLine() is { } line)
        {
            lock (_messages)
                _messages.AppendLine(line);
        }

        process.WaitForExit();
        lock (_messages)
            _messages.AppendLine($"QEMU ended with {process.ExitCode}");
    }
}
