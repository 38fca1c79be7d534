using System.Runtime.CompilerServices;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.DeviceModels.Tests.Startup;

/// <summary>The program that is measured: it does what every program does that forwards, up to the first packet.</summary>
internal static class FirstPacketProgram
{
    private const int BurstSize = 32;

    /// <summary>Runs until the first burst is forwarded and the times are taken.</summary>
    /// <param name="cpuSocket">Of the QEMU.</param>
    /// <param name="eal">EAL options.</param>
    public static int Run(string cpuSocket, IReadOnlyList<string> eal)
    {
        var log = new StartLog();
        log.Reached(StartStage.Main);
        using DataplaneRuntime runtime = DataplaneRuntime.Create(eal, [new QtestBus(cpuSocket, log)]);
        log.Reached(StartStage.Port);
        Mempool pool = runtime.CreateMempool(MempoolOptions.ForPorts(ports: 1, runtime.Lcores.Lcores.Count));
        log.Reached(StartStage.Mempool);
        Port port = runtime.Ports[0];
        port.Configure(new PortConfiguration(pool));
        port.Start();
        log.Reached(StartStage.Started);
        while (!port.GetLink().IsUp)
            Thread.Sleep(1);
        log.Reached(StartStage.Link);
        runtime.Lcores.Launch(runtime.Lcores.Main, (_, _) => Forward(port.RxQueues[0], port.TxQueues[0], log));
        runtime.Lcores.WaitAll();
        log.End();
        return 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward(RxQueue rx, TxQueue tx, StartLog log)
    {
        Span<Packet> burst = stackalloc Packet[BurstSize];
        log.Reached(StartStage.Lcore);
        int received;
        do
            received = rx.Receive(burst);
        while (received == 0);
        log.Reached(StartStage.Received);
        int sent = tx.Send(burst[..received]);
        log.Reached(StartStage.Sent);
        Packet.Free(burst[sent..received]);
    }
}
