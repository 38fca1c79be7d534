using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Null;

/// <summary>A port of <see cref="NullDriver"/>.</summary>
internal sealed class NullPort(PortContext context, NullOptions options)
    : Port(context, new PortCapabilities { MaxRxQueues = 64, MaxTxQueues = 64 }, MacAddress.CreateRandom())
{
    protected override void OnConfigure(PortConfiguration configuration)
    {
        if (options.Size > configuration.Pool.DataRoom)
            throw new DataplaneException(
                $"Port {Id} ({Name}) cannot receive packets of size={options.Size}: the buffers of {configuration.Pool.Name} hold {configuration.Pool.DataRoom} bytes");
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context) => new NullRxQueue(context, Id, options);

    protected override TxQueue CreateTxQueue(TxQueueContext context) => new NullTxQueue(context, options);
}
