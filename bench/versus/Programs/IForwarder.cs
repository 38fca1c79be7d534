using Versus.Machine;
using Versus.Transports;

namespace Versus.Programs;

/// <summary>A program that forwards between two ports and rewrites MAC addresses.</summary>
internal interface IForwarder
{
    /// <summary>Its name in tables: <c>testpmd</c>.</summary>
    string Name { get; }

    /// <summary>Starts it; it forwards when this returns.</summary>
    /// <param name="ports">What to forward between.</param>
    /// <param name="placement">Where.</param>
    IRunningForwarder Start(PortPair ports, Placement placement);
}

/// <summary>A <see cref="IForwarder"/> that runs; disposing ends it in an orderly way.</summary>
internal interface IRunningForwarder : IDisposable
{
    /// <summary>Packets that it says it has sent since its start.</summary>
    long ReadSent();

    /// <summary>Begins to measure its rate.</summary>
    void BeginMeasurement();

    /// <summary>Ends what <see cref="BeginMeasurement"/> began.</summary>
    /// <returns>Packets per second that it says it sent in between, by its own clock.</returns>
    double EndMeasurement();

    /// <summary>Begins to count cycles, which may cost some itself.</summary>
    void BeginCycles();

    /// <summary>Ends what <see cref="BeginCycles"/> began.</summary>
    /// <param name="hz">Cycles per second of the TSC.</param>
    /// <returns>Cycles of its core per packet, in rounds that found packets; null if it cannot tell.</returns>
    double? EndCycles(double hz);
}
