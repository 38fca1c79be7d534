using Dataplane.Ports;
using L2Fwd.Forwarding;
using Microsoft.Extensions.Logging;

namespace L2Fwd.Shutdown;

/// <summary>
/// Gives ports back that the host wants, or that were pulled out, while the others go on. The last one ends the program.
/// </summary>
/// <param name="lcores">Who forwards.</param>
/// <param name="stop">Ends the program.</param>
/// <param name="logger">Gets a line per port.</param>
internal sealed class PortRemoval(IReadOnlyList<ForwardingLcore> lcores, StopSignals stop, ILogger logger)
{
    private readonly Lock _gate = new();
    private bool _ended;

    /// <summary>Whether no port is left to forward from.</summary>
    public bool NothingIsLeft { get; private set; }

    /// <summary>Waits for the ports to be asked for. Any thread may ask.</summary>
    public void Watch(IEnumerable<Port> ports)
    {
        foreach (Port port in ports)
        {
            port.RemovalRequested += (_, _) => RemoveSoon(port);
            if (port.IsRemovalRequested)
                RemoveSoon(port);
        }
    }

    /// <summary>Removes none any more; one that is being removed is waited for.</summary>
    public void End()
    {
        lock (_gate)
            _ended = true;
    }

    /// <summary>Not on the thread that asks: it belongs to the port, which must end it.</summary>
    private void RemoveSoon(Port port) => ThreadPool.UnsafeQueueUserWorkItem(_ => Remove(port), null);

    private void Remove(Port port)
    {
        lock (_gate)
        {
            if (_ended || port.State == PortState.Closed)
                return;
            foreach (ForwardingLcore lcore in lcores)
                lcore.Loop.Leave(port);
            try
            {
                port.Dispose();
                logger.LogWarning("Port {Port} ({Name}) is gone: closed and given back; packets for it are dropped", port.Id, port.Name);
            }
            catch (Exception e)
            {
                logger.LogError(e, "Port {Port} ({Name}) is gone, but closing it failed: {Reason}", port.Id, port.Name, e.Message);
            }

            if (!lcores.All(lcore => lcore.Loop.HasNothingToDo))
                return;
            NothingIsLeft = true;
            stop.Request();
        }
    }
}
