namespace L2Fwd.Tests.Processes;

/// <summary>
/// Command lines, good and bad, with the answers of DPDK 22.11's l2fwd. Where ours answers otherwise on purpose, it
/// says so beside the answer.
/// </summary>
internal static class CapturedAnswers
{
    private const string Disabled = "All available ports are disabled. Please set portmask.";
    private const string InvalidArguments = "Invalid L2FWD arguments";
    private const string InvalidEal = "Invalid EAL arguments";
    private const string InvalidPairs = "Invalid port pair config";
    private const string Odd = "Notice: odd number of ports in portmask.";
    private const string TwoNull = "--vdev net_null0 --vdev net_null1";
    private const string FourNull = "2xNULL --vdev net_null2 --vdev net_null3";

    private static readonly string[] s_skipBoth = ["Skipping disabled port 0", "Skipping disabled port 1"];
    private static readonly string[] s_neighbours = ["Lcore 0: RX port 0 TX port 1", "Lcore 0: RX port 1 TX port 0"];

    public static IReadOnlyList<CapturedAnswer> All { get; } =
    [
        // DPDK also tries to take the machine's own virtio NIC here; ours takes no device that a kernel driver holds.
        Refused("", "No Ethernet ports - bye"),
        Refused("2xNULL", Disabled, s_skipBoth),
        Refused("2xNULL --", Disabled, s_skipBoth),
        Refused("2xNULL -- -q 2", Disabled, s_skipBoth),
        Misused("2xNULL -- -p 0", "invalid portmask"),
        Misused("2xNULL -- -p xyz", "invalid portmask"),
        Refused("2xNULL -- -p f", "Invalid portmask; possible (0x3)"),
        Unknown("2xNULL -- -p", "l2fwd: option requires an argument -- 'p'"),
        Runs(
            "2xNULL -- -p 1 -q 2 -T 1",
            [0],
            [Odd, "Lcore 0: RX port 0 TX port 0", "Skipping disabled port 1"]),
        Runs(
            "2xNULL --vdev net_null2 -- -p 7 -q 3 -T 1",
            [0, 1, 2],
            [Odd, .. s_neighbours, "Lcore 0: RX port 2 TX port 2"]),
        Runs(
            "2xNULL --vdev net_null2 -- -p 5 -q 2 -T 1",
            [0, 2],
            ["Lcore 0: RX port 0 TX port 2", "Lcore 0: RX port 2 TX port 0", "Skipping disabled port 1"]),
        Unknown("2xNULL -- -p 3 -x", "l2fwd: invalid option -- 'x'"),
        Unknown("2xNULL -- -p 3 --nonsense", "l2fwd: unrecognized option '--nonsense'"),
        Unknown("2xNULL -- --help", "l2fwd: unrecognized option '--help'"),
        new("2xNULL --nonsense -- -p 3") { Cause = InvalidEal, ShowsEalUsage = true },
        Runs("2xNULL -- -p 3 -q 2 extra", [0, 1], s_neighbours),
        Refused("2xNULL -- -p 3", "Not enough cores", s_neighbours[0]),
        Refused("2xNULL -- -p 3 -q 1", "Not enough cores", s_neighbours[0]),
        Misused("2xNULL -- -p 3 -q 0", "invalid queue number"),
        Runs("2xNULL -- -p 3 -q 15 -T 1", [0, 1], s_neighbours),
        Misused("2xNULL -- -p 3 -q 16", "invalid queue number"),
        Misused("2xNULL -- -p 3 -q 2x", "invalid queue number"),
        Runs("2xNULL -- -p 3 -q 2 -T 0", [0, 1], s_neighbours),
        Misused("2xNULL -- -p 3 -q 2 -T -1", "invalid timer period"),
        Runs("2xNULL -- -p 3 -q 2 -T 86399", [0, 1], s_neighbours),
        Misused("2xNULL -- -p 3 -q 2 -T 86400", "invalid timer period"),
        Misused("2xNULL -- -p 3 -q 2 -T x", "invalid timer period"),
        Refused("-- -p 3 -q 2", "No Ethernet ports - bye"),
        Runs("2xNULL -- -p 3 -q 2 -P -T 1", [0, 1], s_neighbours),
        Runs("2xNULL -- -p 3 -q 2 --no-mac-updating -T 1", [0, 1], ["MAC updating disabled", .. s_neighbours]),
        Runs("2xNULL -- -p 3 -q 2 --no-mac -T 1", [0, 1], ["MAC updating disabled", .. s_neighbours]),
        // DPDK documents this option and refuses it; ours has it.
        Runs("2xNULL -- -p 3 -q 2 --mac-updating", [0, 1], s_neighbours),
        Runs(
            FourNull + " -- -p f -q 4 -T 1 --portmap=(0,3)(1,2)",
            [0, 1, 2, 3],
            [
                "Lcore 0: RX port 0 TX port 3", "Lcore 0: RX port 1 TX port 2",
                "Lcore 0: RX port 2 TX port 1", "Lcore 0: RX port 3 TX port 0",
            ]),
        Runs(
            FourNull + " -- -p f -q 4 -T 1 --portmap=(0,3)",
            [0, 3],
            [
                "Lcore 0: RX port 0 TX port 3", "Lcore 0: RX port 3 TX port 0",
                "Skipping disabled port 1", "Skipping disabled port 2",
            ]),
        Runs(
            "2xNULL -- -p 3 -q 2 -T 1 --portmap=(0,0)",
            [0],
            ["Lcore 0: RX port 0 TX port 0", "Skipping disabled port 1"]),
        Refused(FourNull + " -- -p f -q 4 --portmap=(0,3)(3,2)", InvalidPairs, "port 2 is used in other port pairs"),
        Refused(FourNull + " -- -p 3 -q 4 --portmap=(0,3)", InvalidPairs, "port 3 is not enabled in port mask"),
        Refused("2xNULL -- -p ff -q 4 --portmap=(0,5)", InvalidPairs, "port 5 is not present on the board"),
        Misused("2xNULL -- -p 3 -q 2 --portmap=(0)", "Invalid config"),
        Refused("2xNULL -- -p 3 -q 2 --portmap=0,1", Disabled, s_skipBoth),
        Runs(
            $"-l 0,1 --no-pci --file-prefix=cli {TwoNull} -- -p 3 -T 1",
            [0, 1],
            ["Lcore 0: RX port 0 TX port 1", "Lcore 1: RX port 1 TX port 0"]),
        Runs($"-l 0,1 --no-pci --file-prefix=cli {TwoNull} -- -p 3 -q 2 -T 1", [0, 1], s_neighbours),
        // DPDK shows its whole usage for a CPU that is not there; ours says which CPUs there are.
        Impossible($"-l 7777 --no-pci --file-prefix=cli {TwoNull} -- -p 3"),
        Impossible("--vdev net_nosuch0 -- -p 3"),
        Impossible("--vdev net_null0 --vdev net_nosuch0 -- -p 1 -T 1"),
        // DPDK goes on without the device and then complains that there is no port.
        Impossible("--vdev net_null0,nosuch=1 -- -p 1 -T 1"),
        Runs($"-l 0 --no-pci --no-huge --no-shconf -m 128 {TwoNull} -- -p 3 -q 2 -T 1", [0, 1], s_neighbours),
        Runs($"-l 0 --no-pci --in-memory {TwoNull} -- -p 3 -q 2 -T 1", [0, 1], s_neighbours),
        Runs($"-l 0 --file-prefix=cli {TwoNull} -- -p 3 -q 2 -T 1", [0, 1], s_neighbours),
        Refused("-v --no-pci --file-prefix=cli -l 0", "No Ethernet ports - bye"),
    ];

    private static CapturedAnswer Runs(string commandLine, int[] ports, params string[] lines) =>
        new(commandLine) { Ports = ports, Lines = lines };

    private static CapturedAnswer Refused(string commandLine, string cause, params string[] lines) =>
        new(commandLine) { Cause = cause, Lines = lines };

    private static CapturedAnswer Misused(string commandLine, string line) =>
        new(commandLine) { Cause = InvalidArguments, Lines = [line], ShowsUsage = true };

    private static CapturedAnswer Unknown(string commandLine, string complaint) =>
        new(commandLine) { Cause = InvalidArguments, Complaint = complaint, ShowsUsage = true };

    private static CapturedAnswer Impossible(string commandLine) =>
        new(commandLine) { Cause = InvalidEal, EndsInEal = true };
}
