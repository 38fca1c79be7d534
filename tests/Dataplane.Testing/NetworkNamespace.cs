using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Testing;

/// <summary>
/// A network namespace of a test's own, with the loopback up and without IPv6, so that no frame appears that the test
/// did not send. Needs root. Its interfaces go with it.
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    private static int s_count;

    private NetworkNamespace(string name) => Name = name;

    /// <summary>The name under which <c>ip netns</c> knows it; unique on the machine.</summary>
    public string Name { get; }

    /// <summary>Makes a namespace.</summary>
    /// <param name="ipv6">Whether interfaces get IPv6 addresses, and send what that brings with it.</param>
    public static NetworkNamespace Create(bool ipv6 = false)
    {
        string name = $"dp-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
        Shell.Run("ip", "netns", "add", name);
        var created = new NetworkNamespace(name);
        try
        {
            if (!ipv6)
            {
                created.Run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
            }

            created.Ip("link", "set", "lo", "up");
            return created;
        }
        catch
        {
            created.Dispose();
            throw;
        }
    }

    /// <summary>Runs a program in the namespace to its end; see <see cref="Shell.Run"/>.</summary>
    public string Run(string file, params IEnumerable<string> arguments) => Shell.Run("ip", InNamespace(file, arguments));

    /// <summary>Runs a program in the namespace to its end, whatever its exit code.</summary>
    public ShellResult TryRun(string file, params IEnumerable<string> arguments) => Shell.TryRun("ip", InNamespace(file, arguments));

    /// <summary>Starts a program in the namespace; see <see cref="Shell.Start"/>.</summary>
    public Process Start(string file, params IEnumerable<string> arguments) => Shell.Start("ip", InNamespace(file, arguments));

    /// <summary>Runs iproute2's <c>ip</c> on the namespace.</summary>
    public string Ip(params IEnumerable<string> arguments) => Shell.Run("ip", ["-n", Name, .. arguments]);

    /// <summary>Gives an interface an IPv4 address with prefix length, such as <c>10.0.0.1/24</c>.</summary>
    public void AddAddress(string iface, string address) => Ip("addr", "add", address, "dev", iface);

    /// <summary>The MAC address of an interface, as the kernel prints it.</summary>
    public string MacAddressOf(string iface) => Run("cat", $"/sys/class/net/{iface}/address").Trim();

    /// <summary>
    /// Does something on a thread of its own that is in the namespace: sockets opened there stay in it, whoever uses
    /// them later.
    /// </summary>
    public T Invoke<T>(Func<T> function)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter();
                result = function();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }

    /// <inheritdoc cref="Invoke{T}"/>
    public void Invoke(Action action) => Invoke(() =>
    {
        action();
        return true;
    });

    /// <summary>Removes the namespace and what is in it, as soon as no program runs and no socket is open in it.</summary>
    public void Dispose() => Shell.TryRun("ip", "netns", "del", Name);

    private void Enter()
    {
        using SafeFileHandle handle = Libc.Open($"/run/netns/{Name}", Libc.O_RDONLY | Libc.O_CLOEXEC);
        if (handle.IsInvalid || Libc.Setns(handle, Libc.CLONE_NEWNET) != 0)
            throw new InvalidOperationException($"Cannot enter the network namespace {Name}: {Errno.DescribeLast()}");
    }

    private string[] InNamespace(string file, IEnumerable<string> arguments) => ["netns", "exec", Name, file, .. arguments];
}
