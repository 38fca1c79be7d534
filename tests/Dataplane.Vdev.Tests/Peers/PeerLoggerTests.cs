using Dataplane.Testing;
using Dataplane.Vdev.Peers;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Tests.Peers;

public sealed class PeerLoggerTests : IDisposable
{
    private readonly RecordingLogger _log = new();
    private readonly PeerLogger _logger;
    private long _now = 1_000_000;

    public PeerLoggerTests() => _logger = new PeerLogger(_log, () => _now);

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Lines_beyond_a_burst_are_left_out_and_counted()
    {
        for (int i = 0; i < 1000; i++)
            _logger.LogInformation("line {Number}", i);
        Assert.Equal(PeerLogger.Burst, _log.Lines.Count);
        _now += 5000;
        _logger.LogWarning("later");
        Assert.Equal(PeerLogger.Burst + 2, _log.Lines.Count);
        Assert.Contains("900 lines about peers were left out", _log.Lines[^2], StringComparison.Ordinal);
        _logger.LogWarning("too many");
        Assert.Equal(PeerLogger.Burst + 2, _log.Lines.Count);
    }

    [Fact]
    public void Errors_are_always_let_through()
    {
        for (int i = 0; i < 1000; i++)
            _logger.LogError("error {Number}", i);
        Assert.Equal(1000, _log.Lines.Count);
    }

    [Fact]
    public void After_a_quiet_time_there_may_be_a_burst_again()
    {
        for (int i = 0; i < 1000; i++)
            _logger.LogInformation("line {Number}", i);
        _now += 3_600_000;
        for (int i = 0; i < PeerLogger.Burst; i++)
            _logger.LogInformation("line {Number}", i);
        Assert.Equal((2 * PeerLogger.Burst) + 1, _log.Lines.Count);
    }
}
