using System.Diagnostics;
using System.Globalization;
using Dataplane.Testing.Programs;
using Versus.Machine;
using Versus.Transports;

namespace Versus.Programs;

/// <summary>
/// DPDK's own l2fwd, built on this machine from the source in Debian's dpdk-doc, with a few lines of ours (first_bursts.c)
/// that put the first packets into a loop.
/// </summary>
internal sealed class DpdkL2Fwd(string executable) : IForwarder
{
    private const string Source = "/usr/share/dpdk/examples/l2fwd/main.c";

    public string Name => "dpdk-l2fwd";

    /// <summary>Builds it outside of the repository, as its Makefile does.</summary>
    /// <param name="directory">Where the executable goes.</param>
    public static DpdkL2Fwd Build(string directory)
    {
        DebianPackages.Install(DebianPackages.ForDpdkL2Fwd);
        string executable = Path.Combine(directory, "dpdk-l2fwd");
        string flags = Words(Command.Run("pkg-config --cflags libdpdk"));
        string libraries = Words(Command.Run("pkg-config --libs libdpdk"));
        string loopStarter = Path.Combine(AppContext.BaseDirectory, "first_bursts.c");
        Command.Run(
            $"gcc -O3 -w -DALLOW_EXPERIMENTAL_API {flags} -o {executable} {Source} {loopStarter} -Wl,--wrap=rte_eth_dev_start {libraries}");
        return new DpdkL2Fwd(executable);
    }

    public IRunningForwarder Start(PortPair ports, Placement placement) => new Running(executable, ports, placement);

    private static string Words(string text) => string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private sealed class Running : IRunningForwarder
    {
        private const string Sent = "Total packets sent:";

        private readonly ConsoleProcess _process;
        private int _mark;

        public Running(string executable, PortPair ports, Placement placement)
        {
            _process = ConsoleProcess.Start(
                [
                    .. placement.Prefix,
                    "env", $"VERSUS_FIRST_BURSTS={ports.FirstBursts}", "stdbuf", "-oL", executable, "-l", $"{placement.Cpu}", "--no-pci", "--in-memory",
                    .. Transport.Vdevs(ports.Dpdk), "--", "-p", "3", "-q", "2", "-T", "1",
                ]);
            try
            {
                _process.WaitFor(0, 1, IsSent);
            }
            catch
            {
                _process.Dispose();
                throw;
            }
        }

        public long ReadSent() => ValueOf(_process.WaitFor(_process.LineCount, 1, IsSent)[0]);

        public void BeginMeasurement() => _mark = _process.LineCount;

        /// <summary>From the first screen to the last: they come each second of its clock.</summary>
        public double EndMeasurement()
        {
            _process.WaitFor(_mark, 2, IsSent);
            List<OutputLine> screens = [.. _process.LinesFrom(_mark).Where(line => IsSent(line.Text))];
            double seconds = Stopwatch.GetElapsedTime(screens[0].Timestamp, screens[^1].Timestamp).TotalSeconds;
            return (ValueOf(screens[^1]) - ValueOf(screens[0])) / seconds;
        }

        public void BeginCycles()
        {
            // It does not know them.
        }

        public double? EndCycles(double hz) => null;

        public void Dispose()
        {
            try
            {
                _process.Interrupt();
            }
            finally
            {
                _process.Dispose();
            }
        }

        private static bool IsSent(string line) => line.StartsWith(Sent, StringComparison.Ordinal);

        private static long ValueOf(OutputLine line) => long.Parse(line.Text.AsSpan(Sent.Length), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
    }
}
