using Dataplane.Linux;
using Microsoft.Extensions.Logging;

namespace Dataplane.Lcores;

/// <summary>
/// The lcores of a runtime, each a thread bound to its CPUs. Launching and waiting is for one control thread;
/// what is launched runs on the lcore.
/// </summary>
public sealed class LcoreSet : IDisposable
{
    private readonly nint _owner;
    private readonly LcoreWorker?[] _workers;

    // Never disposed: it has neither timer nor wait handle, and a signal's thread may ask to stop at any time.
#pragma warning disable CA2213
    private CancellationTokenSource _stop = new();
#pragma warning restore CA2213
    private ControlThreads? _keptOff;

    /// <param name="lcores">In ascending order of their indices.</param>
    /// <param name="owner">The runtime's identity, for <see cref="LcoreContext"/>.</param>
    /// <param name="topology">The machine.</param>
    internal LcoreSet(IReadOnlyList<Lcore> lcores, nint owner, CpuTopology topology)
    {
        Lcores = lcores;
        Topology = topology;
        _owner = owner;
        _workers = new LcoreWorker?[lcores.Count];
    }

    /// <summary>All lcores, in ascending order of their ids.</summary>
    public IReadOnlyList<Lcore> Lcores { get; }

    /// <summary>The machine that they run on.</summary>
    internal CpuTopology Topology { get; }

    /// <summary>The main lcore.</summary>
    public Lcore Main => Lcores.Single(lcore => lcore.IsMain);

    /// <summary>
    /// Called on a lcore's thread when what it ran threw, so that the others can be told to stop; must not throw.
    /// <see cref="WaitAll"/> throws the exception again.
    /// </summary>
    public Action<Lcore, Exception>? Failed { get; set; }

    /// <summary>Decides the lcores; what is slow is logged as a warning.</summary>
    /// <param name="options">What the command line asks for.</param>
    /// <param name="owner">The runtime's identity, for <see cref="LcoreContext"/>.</param>
    /// <param name="logger">Where warnings go.</param>
    /// <exception cref="DataplaneException">What is asked for is not there or not allowed.</exception>
    internal static LcoreSet Create(LcoreOptions options, nint owner, ILogger logger)
    {
        var topology = CpuTopology.Read(new HostFiles());
        var plan = LcorePlan.Resolve(options, AllowedCpus.OfThisProcess(), topology);
        foreach (string warning in plan.Warnings)
            logger.LogWarning("{Warning}", warning);
        return new LcoreSet(plan.Lcores, owner, topology);
    }

    /// <summary>
    /// Runs a body once on a lcore; comes back as soon as the lcore's thread is bound to its CPUs and about to run it.
    /// The body comes back soon after its token is cancelled, by <see cref="RequestStop"/> or <see cref="Dispose"/>. From
    /// the first launch until all lcores have been waited for, all other threads of the process stay off the CPUs of all lcores, if the process has more CPUs.
    /// </summary>
    /// <exception cref="DataplaneException">The system refuses to bind the thread to the lcore's CPUs.</exception>
    /// <exception cref="InvalidOperationException">The lcore is still running what was launched before.</exception>
    public void Launch(Lcore lcore, Action<Lcore, CancellationToken> body)
    {
        ref LcoreWorker? worker = ref _workers[lcore.Index];
        if (worker is not null)
            throw new InvalidOperationException($"Lcore {lcore.Id} has not been waited for since its last launch");
        // No sooner: what no thread may run on is none of the process's CPUs to a runtime that is made meanwhile.
        _keptOff ??= ControlThreads.KeepOff(Lcores.Aggregate(CpuSet.Empty, (all, other) => all.Union(other.Cpus)));
        CancellationToken stop = _stop.Token;
        worker = LcoreWorker.Start(lcore, _owner, self => body(self, stop), error => Failed?.Invoke(lcore, error));
    }

    /// <summary>Asks every lcore to come back from its body. Any thread.</summary>
    public void RequestStop() => _stop.Cancel();

    /// <summary>Waits until every lcore has come back from its body; then they can be launched again.</summary>
    /// <exception cref="AggregateException">Bodies threw; their exceptions in the order of the lcores.</exception>
    public void WaitAll()
    {
        Exception[] errors = [.. JoinAll()];
        if (errors.Length > 0)
            throw new AggregateException("Lcores failed", errors);
    }

    /// <summary>Asks every lcore to come back and waits for it, without telling of failures.</summary>
    public void Dispose()
    {
        RequestStop();
        _ = JoinAll();
    }

    private List<Exception> JoinAll()
    {
        var errors = new List<Exception>();
        foreach (ref LcoreWorker? worker in _workers.AsSpan())
        {
            if (worker?.Join() is { } error)
                errors.Add(error);
            worker = null;
        }

        if (_stop.IsCancellationRequested)
            _stop = new CancellationTokenSource();
        _keptOff?.Dispose();
        _keptOff = null;
        return errors;
    }
}
