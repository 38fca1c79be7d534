using Dataplane.Testing;

namespace L2Fwd.Tests.Processes;

public class CapturedAnswersTests(CapturedAnswersTests.Runs runs) : IClassFixture<CapturedAnswersTests.Runs>
{
    public static TheoryData<string> CommandLines => [.. CapturedAnswers.All.Select(answer => answer.CommandLine)];

    [Theory]
    [MemberData(nameof(CommandLines))]
    public void The_answer_is_DPDKs(string commandLine)
    {
        Run run = runs.Of(commandLine);
        CapturedAnswer expected = run.Expected;

        expected.CheckOutput(run.Output);
        Assert.Equal(expected.Cause is null ? 0 : 1, run.ExitCode);
        string exit = $"EAL: Error - exiting with code: 1\n  Cause: {expected.Cause}\n";
        if (expected.Cause is not null)
            Assert.Contains(exit, run.Errors, StringComparison.Ordinal);
        if (expected.Complaint is not null)
            Assert.Contains(expected.Complaint + "\n", run.Errors, StringComparison.Ordinal);
    }

    /// <summary>How a run ended.</summary>
    internal sealed record Run(CapturedAnswer Expected, int ExitCode, string Output, string Errors);

    /// <summary>Runs all command lines, a few at a time, before the first is looked at.</summary>
    public sealed class Runs : IAsyncLifetime
    {
        private const int AtATime = 4;

        /// <summary>For those that ask for hugepages, and those that take them where there are any.</summary>
        private const int HugepagesPerRun = 32;

        private readonly Dictionary<string, Task<Run>> _runs = [];

        public async Task InitializeAsync()
        {
            using var hugepages = HugepageReservation.Take(2 << 20, AtATime * HugepagesPerRun);
            using var gate = new SemaphoreSlim(AtATime);
            foreach ((int index, CapturedAnswer answer) in CapturedAnswers.All.Index())
            {
                await gate.WaitAsync();
                _runs.Add(answer.CommandLine, StartAsync(answer, $"--file-prefix=cli{Environment.ProcessId}-{index}"));
                _ = _runs[answer.CommandLine].ContinueWith(_ => gate.Release(), TaskScheduler.Default);
            }

            await Task.WhenAll(_runs.Values).ContinueWith(_ => { }, TaskScheduler.Default);
        }

        public Task DisposeAsync() => Task.CompletedTask;

        /// <summary>The run of a command line; throws what went wrong with it.</summary>
        internal Run Of(string commandLine) => _runs[commandLine].GetAwaiter().GetResult();

        private static async Task<Run> StartAsync(CapturedAnswer answer, string filePrefix)
        {
            // Each run has files of its own, though the captured command lines share theirs.
            string commandLine = answer.Expanded.Replace("--file-prefix=cli", "", StringComparison.Ordinal);
            using var l2fwd = L2FwdProcess.Start($"{filePrefix} {commandLine}");
            if (answer.Cause is null)
            {
                await l2fwd.WaitForOutputAsync(answer.HasStatistics ? "Total packets dropped" : "Port 1 Link up at");
                l2fwd.Signal("INT");
            }

            int exitCode = await l2fwd.WaitForExitAsync();
            return new Run(answer, exitCode, l2fwd.Output, l2fwd.Errors);
        }
    }
}
