using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Tests.Kernel;

/// <summary>The smallest forwarder: between two ports, on a thread of its own, dropping nothing that can be sent.</summary>
internal sealed class ForwardingLoop : IDisposable
{
    private readonly Thread _thread;
    private volatile bool _stop;

    public ForwardingLoop(Port one, Port other)
    {
        _thread = new Thread(() => Run(one, other));
        _thread.Start();
    }

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
    }

    private static bool Forward(Port from, Port to, Span<Packet> burst)
    {
        int received = from.RxQueues[0].Receive(burst);
        int sent = to.TxQueues[0].Send(burst[..received]);
        Packet.Free(burst[sent..received]);
        return received != 0;
    }

    private void Run(Port one, Port other)
    {
        Packet[] burst = new Packet[32];
        while (!_stop)
        {
            // Both ends of the connection need the machine's few cores too.
            if (!(Forward(one, other, burst) | Forward(other, one, burst)))
                Thread.Yield();
        }
    }
}
