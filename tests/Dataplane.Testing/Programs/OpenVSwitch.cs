using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Dataplane.Testing.Programs;

/// <summary>
/// A running Open vSwitch with DPDK as Debian brings it (openvswitch-switch-dpdk), apart from the machine's own: its
/// database, sockets and processes are in a folder of the test. It hands what comes at one of two vhost-user ports to the
/// other, by OpenFlow rules.
/// </summary>
public sealed partial class OpenVSwitch : IDisposable
{
    private const string Program = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";
    private const string Schema = "/usr/share/openvswitch/vswitch.ovsschema";
    private const string Bridge = "br0";

    /// <summary>As many bytes of a packet as make a frame of 9018 bytes with header and FCS.</summary>
    private const int Mtu = 9000;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly bool _listens;
    private readonly ConsoleProcess _database;
    private ConsoleProcess? _switch;

    private OpenVSwitch(string folder, bool listens)
    {
        _folder = folder;
        _listens = listens;
        Run("ovsdb-tool", "create", PathOf("conf.db"), Schema);
        _database = StartDaemon("ovsdb-server", PathOf("conf.db"), $"--remote=punix:{PathOf("db")}");
    }

    /// <summary>What the switch has printed.</summary>
    public string Output => _switch?.Output ?? "";

    /// <summary>Starts it; its sockets are <c>v0.sock</c> and <c>v1.sock</c>.</summary>
    /// <param name="folder">Where they are.</param>
    /// <param name="listens">
    /// Whether it makes the sockets (<c>dpdkvhostuser</c>) instead of connecting to them (<c>dpdkvhostuserclient</c>).
    /// </param>
    public static OpenVSwitch Start(string folder, bool listens)
    {
        var created = new OpenVSwitch(folder, listens);
        try
        {
            created.WaitUntil(() => File.Exists(created.PathOf("db")), "there is no database");
            created.StartSwitch();
            created.Configure(
            [
                .. Settings(), "--", "add-br", Bridge, "--", "set", "Bridge", Bridge, "datapath_type=netdev", "fail_mode=secure",
                .. created.AddPort(0), .. created.AddPort(1),
            ]);
            created.AddRules();
            return created;
        }
        catch
        {
            created.Dispose();
            throw;
        }
    }

    /// <summary>Ends the switch at once, by SIGKILL, and starts it again with the ports that it had.</summary>
    public void Restart()
    {
        _switch!.Dispose();
        // It does not replace what it left.
        foreach (string socket in _listens ? Directory.GetFiles(_folder, "*.sock") : [])
            File.Delete(socket);
        StartSwitch();
        AddRules();
    }

    /// <summary>
    /// Waits until it has got ready for the front ends that it is connected to, during which it drops frames: it goes on to
    /// anything else only then.
    /// </summary>
    public void WaitUntilReady() => Configure(["set", "Open_vSwitch", ".", "external_ids:is-ready=true"]);

    /// <summary>Sends a frame out of its first port.</summary>
    public void Inject(ReadOnlySpan<byte> frame) => Run(
        "ovs-ofctl", "packet-out", Bridge, $"in_port=controller, packet={Convert.ToHexString(frame)}, actions=output:1");

    /// <summary>Frames that each of the two ports has received since the switch was started.</summary>
    public IReadOnlyList<long> ReadReceived()
    {
        string figures = Run("ovs-ofctl", "dump-ports", Bridge);
        return [.. ReceivedPackets().Matches(figures).Select(match => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        _switch?.Dispose();
        _database.Dispose();
    }

    [GeneratedRegex("""port +"?v\d\.sock"?: rx pkts=(\d+)""")]
    private static partial Regex ReceivedPackets();

    /// <summary>
    /// It polls on the last CPU, and sleeps for a moment when nothing comes. It needs no hugepages, of which it would take
    /// many: it maps the memory of the front ends.
    /// </summary>
    private static IEnumerable<string> Settings() =>
    [
        "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
        $"other_config:pmd-cpu-mask={1L << (Environment.ProcessorCount - 1):x}", "other_config:pmd-maxsleep=50",
        "other_config:dpdk-extra=\"--no-pci --no-huge --legacy-mem --no-shconf --no-telemetry -m 256\"",
    ];

    /// <summary>Comes back when the switch has done it.</summary>
    private void Configure(IEnumerable<string> words) => Run(["ovs-vsctl", $"--db=unix:{PathOf("db")}", .. words]);

    private IEnumerable<string> AddPort(int number)
    {
        string name = $"v{number}.sock";
        return
        [
            "--", "add-port", Bridge, name, "--", "set", "Interface", name, $"ofport_request={number + 1}", $"mtu_request={Mtu}",
            .. (string[])(_listens ? ["type=dpdkvhostuser"] : ["type=dpdkvhostuserclient", $"options:vhost-server-path={PathOf(name)}"]),
        ];
    }

    private void StartSwitch() => _switch = StartDaemon(Program, $"unix:{PathOf("db")}", "-vconsole:info");

    /// <summary>A switch that was started anew has none; as long as it is not ready it cannot be asked.</summary>
    private void AddRules()
    {
        foreach (string rule in (string[])["in_port=1,actions=output:2", "in_port=2,actions=output:1"])
            WaitUntil(() => Shell.TryRun("env", Here(["ovs-ofctl", "add-flow", Bridge, rule])).ExitCode == 0, "takes no rule");
    }

    private void WaitUntil(Func<bool> condition, string otherwise)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"Open vSwitch {otherwise}: {_database.Output}\n{Output}");
            Thread.Sleep(20);
        }
    }

    private string Run(params IEnumerable<string> words) => Shell.Run("env", Here(words));

    /// <summary>The kernel ends it with the thread that has started it: the test's.</summary>
    private ConsoleProcess StartDaemon(params IEnumerable<string> words) =>
        ConsoleProcess.Start(["setpriv", "--pdeathsig", "KILL", "env", .. Here(words)]);

    /// <summary>Tools and daemons find each other, and nothing of the machine's own switch.</summary>
    private IEnumerable<string> Here(IEnumerable<string> words) =>
        [.. ((string[])["RUNDIR", "DBDIR", "SYSCONFDIR", "LOGDIR"]).Select(name => $"OVS_{name}={_folder}"), .. words];

    private string PathOf(string name) => Path.Join(_folder, name);
}
