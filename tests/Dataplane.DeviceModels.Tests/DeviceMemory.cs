using Dataplane.Lcores;
using Dataplane.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.DeviceModels.Tests;

/// <summary>
/// Dataplane memory of ordinary pages, all of it there from the start, because a device model is shown it once. The calling
/// thread is its lcore.
/// </summary>
internal sealed class DeviceMemory : IDisposable
{
    private const int Megabytes = 64;

    private readonly IDisposable _watch;

    public DeviceMemory()
    {
        var options = new MemoryOptions { NoHuge = true, Megabytes = Megabytes, FilePrefix = "devicemodel" };
        Memory = DataplaneMemory.Create(options, NullLogger.Instance);
        bool complete = false;
        _watch = Memory.WatchSegments(_ =>
        {
            if (complete)
                throw new InvalidOperationException($"The {Megabytes} MiB of the test are full, and the device sees no more");
        });
        complete = true;
        LcoreContext.Enter(Memory.Identity, 0);
    }

    /// <summary>The memory.</summary>
    public DataplaneMemory Memory { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        LcoreContext.Leave();
        _watch.Dispose();
        Memory.Dispose();
    }
}
