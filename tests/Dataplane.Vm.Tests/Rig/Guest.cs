using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Dataplane.Testing;
using Dataplane.Testing.Qemu;

namespace Dataplane.Vm.Tests.Rig;

/// <summary>
/// A machine of its own for commands that need what this one does not have: vfio-pci, an IOMMU, NICs. Its processors are
/// emulated, its kernel is Debian's, its files are this machine's (what it writes does not last), and each of its NICs
/// has a cable to here. Disposing it ends it.
/// </summary>
internal sealed class Guest : IDisposable
{
    // On a busy machine one boot in some thirty has no timer interrupt, and Linux panics: "timer doesn't work through
    // Interrupt-remapped IO-APIC".
    private const int Boots = 3;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly KernelModules _modules;
    private readonly QemuProcess _qemu;
    private readonly Socket _control;
    private readonly Thread _listener;
    private readonly ConcurrentDictionary<int, GuestCommand> _commands = new();
    private volatile TaskCompletionSource _ready = new();
    private volatile bool _hasEnded;
    private int _count;

    private Guest(GuestOptions options)
    {
        _modules = options.HasIommu
            ? new KernelModules(GuestTools.Modules)
            : new KernelModules(GuestTools.Modules, GuestTools.NoIommuModules);
        string name = Path.GetFileName(_folder.FullName);
        Nics = [.. options.Nics.Select((model, index) => new GuestNic(index, model, $"{name}-nic{index}"))];
        WriteFiles();
        var machine = new GuestMachine(options, Nics, _folder, name);
        _qemu = new QemuProcess(machine.Qemu, machine.Arguments);
        try
        {
            _control = _qemu.Connect(machine.ControlSocket);
            _listener = new Thread(Listen) { IsBackground = true, Name = "guest" };
            _listener.Start();
            Qmp = new QmpClient(_qemu.Connect(machine.MonitorSocket), () => _qemu.Messages);
            Wires = [.. Nics.Select(nic => new Wire(_qemu.Connect(nic.Socket)))];
            WaitUntilReady();
            PciAddresses = [.. Nics.Select(nic => Run($"basename {nic.SysfsPattern}").Trim())];
        }
        catch (Exception e)
        {
            InvalidOperationException failure = Failure("The guest does not come up", e);
            Dispose();
            throw failure;
        }
    }

    /// <summary>Its NICs.</summary>
    public IReadOnlyList<GuestNic> Nics { get; }

    /// <summary>Where its NICs are, as <c>0000:01:00.0</c>.</summary>
    public IReadOnlyList<string> PciAddresses { get; }

    /// <summary>The cables of its NICs.</summary>
    public IReadOnlyList<Wire> Wires { get; }

    /// <summary>QEMU's monitor.</summary>
    public QmpClient Qmp { get; }

    /// <summary>What its kernel has said: errors, and nothing else.</summary>
    public string Console => File.Exists(_folder["console"]) ? File.ReadAllText(_folder["console"]) : "";

    /// <summary>
    /// What its IOMMU has refused (dmar_fault_do_one() of drivers/iommu/intel/dmar.c):
    /// <c>DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0x1000 ...</c>.
    /// </summary>
    public IEnumerable<string> DmaFaults => Console.Split('\n').Where(line => line.Contains(" fault addr ", StringComparison.Ordinal));

    /// <summary>Starts a guest; comes back when it takes commands.</summary>
    public static Guest Boot(GuestOptions options)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return new Guest(options);
            }
            catch (InvalidOperationException) when (attempt < Boots)
            {
                // Next time it will.
            }
        }
    }

    /// <summary>Starts a shell command.</summary>
    public GuestCommand Start(string text)
    {
        int number = Interlocked.Increment(ref _count);
        var command = new GuestCommand(this, text, _folder[$"{number}"]);
        _commands[number] = command;
        if (_hasEnded)
            command.GuestDied();
        else
            _control.Send(Encoding.ASCII.GetBytes($"{number}\n"));
        return command;
    }

    /// <summary>Runs a shell command to its end.</summary>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="InvalidOperationException">Its exit code is not 0.</exception>
    public string Run(string text)
    {
        ShellResult result = TryRun(text);
        return result.ExitCode == 0 ? result.Output : throw Failure(result.ToString());
    }

    /// <summary>Runs a shell command to its end, whatever its exit code.</summary>
    public ShellResult TryRun(string text) => Start(text).WaitForResult();

    /// <summary>Kills what still runs.</summary>
    public void EndCommands()
    {
        foreach (GuestCommand command in _commands.Values.Where(command => !command.HasExited))
        {
            command.Signal("KILL");
            command.WaitForExit();
        }
    }

    /// <summary>Pushes its reset button; comes back when it takes commands again. What it had in memory is gone.</summary>
    public void Reset()
    {
        EndCommands();
        _ready = new TaskCompletionSource();
        SetResetAction("reset");
        Qmp.Execute("system_reset");
        WaitUntilReady();
        SetResetAction("shutdown");
    }

    /// <summary>Loads a module of the kernel and what it needs.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="parameters">Its parameters: <c>name=value</c>.</param>
    public void LoadModule(string name, string parameters = "")
    {
        IReadOnlyList<string> files = _modules.InLoadOrder(name);
        foreach (string file in files)
        {
            string module = Path.GetFileNameWithoutExtension(file).Replace('-', '_');
            Run($"[ -e /sys/module/{module} ] || exec busybox insmod {file} {(file == files[^1] ? parameters : "")}");
        }
    }

    /// <summary>An exception that shows the end of the console too.</summary>
    public InvalidOperationException Failure(string problem, Exception? cause = null) => new($"{problem}\n{ConsoleTail}", cause);

    /// <summary>The last words of kernel and QEMU.</summary>
    public string ConsoleTail =>
        $"The guest's console ends with:\n{string.Join('\n', Console.Split('\n').TakeLast(30))}\n{(_hasEnded ? _qemu.LastWords : _qemu.Messages)}";

    public void Dispose()
    {
        // First QEMU: it does not survive a cable that is pulled while frames wait.
        _qemu.Dispose();
        _listener?.Join();
        _control?.Dispose();
        Qmp?.Dispose();
        foreach (Wire wire in Wires ?? [])
            wire.Dispose();
        _folder.Dispose();
    }

    /// <summary>Says what a reset does. Usually it ends QEMU, so that a kernel that panics is noticed.</summary>
    private void SetResetAction(string action) => Qmp.Execute("set-action", new JsonObject { ["reboot"] = action });

    private void WaitUntilReady()
    {
        if (!_ready.Task.Wait(s_patience))
            throw new TimeoutException("It does not take commands");
    }

    private void WriteFiles()
    {
        Initramfs.Write(_folder["initramfs"], _modules);
        File.Copy(Repository.PathOf("tests/vm/agent"), _folder["agent"]);
        string runtimes = RuntimeEnvironment.GetRuntimeDirectory();
        File.WriteAllText(_folder["environment"], $"""
            export PATH={Environment.GetEnvironmentVariable("PATH")}
            export HOME=/root LANG=C.UTF-8 TERM=dumb DOTNET_NOLOGO=1 DOTNET_ROOT={Path.GetFullPath($"{runtimes}/../../..")}

            """);
    }

    /// <summary>Takes the agent's answers until QEMU ends.</summary>
    private void Listen()
    {
        using var reader = new StreamReader(new NetworkStream(_control));
        try
        {
            while (reader.ReadLine() is { } line)
                Take(line.Split(' '));
        }
        catch (IOException)
        {
            // QEMU was killed while the agent spoke.
        }

        _hasEnded = true;
        _ready.TrySetException(new EndOfStreamException("It has ended"));
        foreach (GuestCommand command in _commands.Values)
            command.GuestDied();
    }

    private void Take(string[] answer)
    {
        if (answer is [var number, var what, var value])
        {
            GuestCommand command = _commands[int.Parse(number, CultureInfo.InvariantCulture)];
            int parsed = int.Parse(value, CultureInfo.InvariantCulture);
            if (what == "pid")
                command.Started(parsed);
            else
                command.Ended(parsed);
        }
        else
        {
            _ready.TrySetResult();
        }
    }
}
