using Dataplane.Lcores;
using Dataplane.Linux;
using Dataplane.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Core.Tests.Lcores;

/// <summary>Tests that bind threads of the test process; nothing else may run meanwhile.</summary>
[CollectionDefinition("threads of the process", DisableParallelization = true)]
public class ThreadsOfTheProcess;

[Collection("threads of the process")]
public class LcoreThreadTests
{
    private const int Owner = 4711;

    private static readonly CpuSet s_allowed = AllowedCpus.OfThisProcess();

    private static Lcore[] Lcores(params int[] cpus) =>
        [.. cpus.Select((cpu, index) => new Lcore(10 + index, index, new CpuSet([cpu]), index == 0))];

    private static CpuSet AffinityOf(int tid) => ThreadAffinity.TryGet(tid, out CpuSet cpus) ? cpus : CpuSet.Empty;

    [Fact]
    public void A_lcore_is_a_named_thread_on_its_CPU_that_knows_its_index()
    {
        int cpu = s_allowed.Cpus[^1];
        using var lcores = new LcoreSet(Lcores(s_allowed.Cpus[0], cpu), Owner, CpuTopology.Read(new HostFiles()));
        string name = "", affinity = "";
        int index = -1, stranger = 0;
        lcores.Launch(lcores.Lcores[1], (_, _) =>
        {
            name = File.ReadAllText($"/proc/self/task/{Libc.GetTid()}/comm").Trim();
            affinity = AffinityOf(0).ToString();
            index = LcoreContext.IndexFor(Owner);
            stranger = LcoreContext.IndexFor(Owner + 1);
        });
        lcores.WaitAll();

        Assert.Equal("lcore-11", name);
        Assert.Equal($"{cpu}", affinity);
        Assert.Equal(1, index);
        Assert.Equal(-1, stranger);
    }

    [Fact]
    public void Lcores_run_at_the_same_time_even_on_one_CPU_and_can_be_launched_again()
    {
        using var lcores = new LcoreSet(Lcores(s_allowed.Cpus[0], s_allowed.Cpus[0]), Owner, CpuTopology.Read(new HostFiles()));
        for (int round = 0; round < 2; round++)
        {
            using var meeting = new Barrier(2);
            foreach (Lcore lcore in lcores.Lcores)
                lcores.Launch(lcore, (_, stopped) => meeting.SignalAndWait(stopped));
            lcores.WaitAll();

            Assert.Equal(1, meeting.CurrentPhaseNumber);
        }
    }

    [Fact]
    public void An_exception_is_told_at_once_and_thrown_again_at_the_end()
    {
        var told = new List<string>();
        using var lcores = new LcoreSet(Lcores(s_allowed.Cpus[0], s_allowed.Cpus[0]), Owner, CpuTopology.Read(new HostFiles()))
        {
            Failed = (lcore, e) => told.Add($"{lcore.Id}: {e.Message}"),
        };
        lcores.Launch(lcores.Lcores[0], (_, _) => { });
        lcores.Launch(lcores.Lcores[1], (_, _) => throw new InvalidOperationException("out of luck"));

        AggregateException error = Assert.Throws<AggregateException>(lcores.WaitAll);
        Exception inner = Assert.Single(error.InnerExceptions);
        Assert.Equal("out of luck", Assert.IsType<InvalidOperationException>(inner).Message);
        Assert.Equal(["11: out of luck"], told);
        lcores.WaitAll();
    }

    [Fact]
    public void A_lcore_that_was_not_waited_for_cannot_be_launched()
    {
        using var lcores = new LcoreSet(Lcores(s_allowed.Cpus[0]), Owner, CpuTopology.Read(new HostFiles()));
        lcores.Launch(lcores.Main, (_, _) => { });

        Assert.Throws<InvalidOperationException>(() => lcores.Launch(lcores.Main, (_, _) => { }));
    }

    [Fact]
    public void A_CPU_that_the_kernel_refuses_is_a_sentence()
    {
        using var lcores = new LcoreSet(Lcores(CpuSet.MaxCpus - 1), Owner, CpuTopology.Read(new HostFiles()));

        string message = Assert.Throws<DataplaneException>(() => lcores.Launch(lcores.Main, (_, _) => { })).Message;
        Assert.StartsWith(
            "Cannot bind the thread of lcore 10 to CPU 8191 (sched_setaffinity: Invalid argument)",
            message,
            StringComparison.Ordinal);
        lcores.WaitAll();
    }

    [Fact]
    public void A_thread_that_is_gone_has_no_affinity()
    {
        Assert.False(ThreadAffinity.TryGet(int.MaxValue, out CpuSet cpus));
        Assert.Equal(CpuSet.Empty, cpus);
        Assert.False(ThreadAffinity.TrySet(int.MaxValue, s_allowed));
    }

    [SkippableFact]
    public void Other_threads_are_kept_off_the_lcores_CPUs_and_let_back_at_the_end()
    {
        CpuSet others = AllButTheFirst(out int cpu);
        using LcoreSet lcores = LcoreSet.Create(Options($"{cpu}"), Owner, NullLogger.Instance);
        CpuSet madeByWorker = CpuSet.Empty;
        int worker;
        using (var running = new Running(lcores, () =>
        {
            var thread = new Thread(() => madeByWorker = AffinityOf(0));
            thread.Start();
            thread.Join();
        }))
        {
            worker = running.Thread;
            Assert.Equal($"{cpu}", CpusOfThreads()[worker]);
            Assert.Equal([$"{others}"], CpusOfThreadsBut(worker));
            Assert.Equal(others, madeByWorker);
            Assert.Equal(s_allowed, AllowedCpus.OfThisProcess());
        }

        Assert.Equal([$"{s_allowed}"], CpusOfThreadsBut(worker));
    }

    [SkippableFact]
    public void Lcores_that_run_nothing_take_their_CPUs_from_nobody()
    {
        CpuSet others = AllButTheFirst(out int cpu);
        using LcoreSet idle = LcoreSet.Create(Options($"{cpu}"), Owner, NullLogger.Instance);
        Assert.Equal(s_allowed, AffinityOf(0));
        using LcoreSet second = LcoreSet.Create(Options($"{cpu}"), Owner + 1, NullLogger.Instance);
        using (new Running(second))
        {
            Assert.Equal(others, AffinityOf(0));
            LcoreSet.Create(Options($"{cpu}"), Owner + 2, NullLogger.Instance).Dispose();
        }

        Assert.Equal(s_allowed, AffinityOf(0));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Lcores_of_another_runtime_stay_where_they_are(bool floating)
    {
        CpuSet others = AllButTheFirst(out int cpu);
        using LcoreSet lcores = LcoreSet.Create(Options($"0@({(floating ? s_allowed : others)})"), Owner, NullLogger.Instance);
        using LcoreSet other = LcoreSet.Create(Options($"{cpu}"), Owner + 1, NullLogger.Instance);
        using (var before = new Running(other))
        using (var running = new Running(lcores))
        {
            before.Dispose();
            Assert.Equal(lcores.Main.Cpus, AffinityOf(running.Thread));
            using (new Running(other))
                Assert.Equal(lcores.Main.Cpus, AffinityOf(running.Thread));
            Assert.Equal(lcores.Main.Cpus, AffinityOf(running.Thread));
        }

        Assert.Equal(s_allowed, AffinityOf(0));
    }

    [Fact]
    public void Threads_stay_where_they_are_if_the_lcores_have_all_CPUs()
    {
        using (LcoreSet lcores = LcoreSet.Create(new LcoreOptions(), Owner, NullLogger.Instance))
        {
            Assert.Equal(s_allowed.Cpus, lcores.Lcores.Select(lcore => lcore.Id));
            Assert.Equal(s_allowed, AffinityOf(0));
        }

        Assert.Equal(s_allowed, AffinityOf(0));
    }

    [Fact]
    public void What_is_slow_is_logged()
    {
        var log = new RecordingLogger();
        using var lcores = LcoreSet.Create(Options($"0@{s_allowed.Cpus[0]},1@{s_allowed.Cpus[0]}"), Owner, log);

        Assert.Contains($"lcores 0-1 share CPU {s_allowed.Cpus[0]}", Assert.Single(log.Lines));
    }

    private static CpuSet AllButTheFirst(out int first)
    {
        Skip.If(s_allowed.Count < 2, "needs two CPUs: on one there is no other for the other threads");
        first = s_allowed.Cpus[0];
        return s_allowed.Except(new CpuSet([first]));
    }

    private static LcoreOptions Options(string lcores) => new() { Assignments = LcoreList.Parse(lcores) };

    private static IEnumerable<string> CpusOfThreadsBut(int worker) =>
        CpusOfThreads().Where(thread => thread.Key != worker).Select(thread => thread.Value).Distinct();

    /// <summary>What the kernel says of each thread; threads that end meanwhile are left out.</summary>
    private static Dictionary<int, string> CpusOfThreads()
    {
        const string Name = "Cpus_allowed_list:";
        var files = new HostFiles();
        var cpus = new Dictionary<int, string>();
        foreach (int tid in ThreadAffinity.ThreadsOfProcess())
        {
            string[] status = files.ReadLines($"/proc/self/task/{tid}/status");
            if (Array.Find(status, line => line.StartsWith(Name)) is { } line)
                cpus[tid] = line[Name.Length..].Trim();
        }

        return cpus;
    }

    /// <summary>Something that runs on the main lcore until this is disposed, also where a test fails.</summary>
    [Fact]
    public void Disposing_the_lcores_asks_them_to_come_back_and_they_can_be_launched_again_after_a_stop()
    {
        int runs = 0;
        using (var lcores = new LcoreSet(Lcores(s_allowed.Cpus[0]), Owner, CpuTopology.Read(new HostFiles())))
        {
            lcores.Launch(lcores.Main, PollUntilStopped);
            lcores.RequestStop();
            lcores.WaitAll();
            lcores.Launch(lcores.Main, PollUntilStopped);
        }

        Assert.Equal(2, runs);

        void PollUntilStopped(Lcore lcore, CancellationToken stopped)
        {
            stopped.WaitHandle.WaitOne();
            runs++;
        }
    }

    private sealed class Running : IDisposable
    {
        private readonly LcoreSet _lcores;
        private readonly ManualResetEventSlim _stop = new();

        public Running(LcoreSet lcores, Action? first = null)
        {
            _lcores = lcores;
            using var started = new ManualResetEventSlim();
            lcores.Launch(lcores.Main, (_, stopped) =>
            {
                Thread = Libc.GetTid();
                first?.Invoke();
                started.Set();
                _stop.Wait(stopped);
            });
            started.Wait();
        }

        public int Thread { get; private set; }

        public void Dispose()
        {
            _stop.Set();
            _lcores.WaitAll();
        }
    }
}
