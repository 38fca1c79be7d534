using System.Diagnostics;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.DeviceModels.Tests;

/// <summary>
/// A QEMU with a NIC, our driver's port of it, a mempool and the far end of the cable. Everything happens on the calling
/// thread, which is the lcore of all queues.
/// </summary>
internal sealed class NicTestBed : IDisposable
{
    /// <summary>How long what must happen may take on a busy machine.</summary>
    public static readonly TimeSpan Patience = Dataplane.Testing.Qemu.Wire.Patience;

    private static readonly TimeSpan s_silence = TimeSpan.FromMilliseconds(100);

    /// <summary>When a marker that does not come has been dropped, it seems.</summary>
    private static readonly TimeSpan s_markerAtMost = TimeSpan.FromSeconds(2);

    private readonly DeviceMemory _memory = new();
    private readonly IDisposable? _prepared;

    /// <summary>Starts QEMU and makes the port, which is neither configured nor started yet.</summary>
    public NicTestBed(NicModel model, MempoolOptions? pool = null)
    {
        try
        {
            Model = model;
            Pool = CreatePool(pool ?? new MempoolOptions { Count = 4096, CacheSize = 32 });
            Machine = model.CreateMachine(Memory);
            _prepared = model.Prepare(this);
            Function = model.FunctionOf(Machine);
            Port = CreatePort(model.Driver, Function, model.Arguments);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What is tested.</summary>
    public NicModel Model { get; }

    /// <summary>All memory that the device may reach.</summary>
    public DataplaneMemory Memory => _memory.Memory;

    /// <summary>Buffers; the default is 4096 of 2 KiB.</summary>
    public Mempool Pool { get; }

    /// <summary>The QEMU, or what the model has instead.</summary>
    public INicMachine Machine { get; }

    /// <summary>What the driver drives.</summary>
    public INicFunction Function { get; }

    /// <summary>The far end of the cable.</summary>
    public IWire Wire => Machine.Wire;

    /// <summary>The port under test.</summary>
    public Port Port { get; private set; }

    /// <summary>Buffers that are not in the pool.</summary>
    public int InUse => Pool.Statistics.InUse;

    /// <summary>Makes a port of a function by any driver; the caller disposes it.</summary>
    public Port CreatePort(INicDriver driver, INicFunction function, string? arguments = null)
    {
        var context = new PortContext
        {
            Id = 0,
            Name = function.Name,
            DriverName = driver.Name,
            Memory = Memory,
            Logger = NullLogger.Instance,
            Ports = [],
        };
        Assert.Contains(driver.Devices, device => device.Id == function.Id);
        string text = arguments is null ? function.Name : $"{function.Name},{arguments}";
        return function.CreatePort(driver, context, Devargs.Parse(text));
    }

    /// <summary>Closes the port and makes it anew, as another process would.</summary>
    public void Reopen()
    {
        Port.Dispose();
        Port = CreatePort(Model.Driver, Function, Model.Arguments);
    }

    /// <summary>Makes the port anew as if the process of the old one had died.</summary>
    /// <returns>The old one, to be disposed behind the new one.</returns>
    public Port Abandon()
    {
        Function.Abandon();
        Port old = Port;
        Port = CreatePort(Model.Driver, Function, Model.Arguments);
        return old;
    }

    /// <summary>Makes another pool; disposed with the memory.</summary>
    public Mempool CreatePool(MempoolOptions options) => new(Memory, options, lcoreCount: 1);

    /// <summary>Configures and starts the port, and waits for its link.</summary>
    public NicTestBed Start(Func<PortConfiguration, PortConfiguration>? configure = null)
    {
        var configuration = new PortConfiguration(Pool) { RxDescriptors = 256, TxDescriptors = 256 };
        Port.Configure(configure?.Invoke(configuration) ?? configuration);
        Port.Start();
        WaitFor(() => Port.GetLink().IsUp, "the link did not come up");
        return this;
    }

    /// <summary>Makes a packet with this content, chained of buffers as full as <paramref name="perSegment"/> says.</summary>
    public Packet CreatePacket(ReadOnlySpan<byte> frame, int perSegment = int.MaxValue)
    {
        perSegment = Math.Min(perSegment, Pool.DataRoom);
        Packet packet = Segment(frame[..Math.Min(frame.Length, perSegment)]);
        for (int at = perSegment; at < frame.Length; at += perSegment)
            Assert.True(packet.TryChain(Segment(frame[at..Math.Min(frame.Length, at + perSegment)])));
        return packet;
    }

    /// <summary>Sends packets; the queue takes all of them in time, or the test fails.</summary>
    public void Send(ReadOnlySpan<Packet> packets, int queue = 0)
    {
        long start = Stopwatch.GetTimestamp();
        while (!(packets = packets[Port.TxQueues[queue].Send(packets)..]).IsEmpty)
        {
            bool inTime = Stopwatch.GetElapsedTime(start) < Patience;
            Assert.True(inTime, $"{packets.Length} packets were not taken by tx queue {queue}");
        }
    }

    /// <summary>Sends a frame.</summary>
    public void Send(ReadOnlySpan<byte> frame, int queue = 0) => Send([CreatePacket(frame)], queue);

    /// <summary>Takes as many packets as must come; the caller owns them.</summary>
    public Packet[] Receive(int count, int queue = 0)
    {
        var packets = new Packet[count];
        int got = 0;
        long start = Stopwatch.GetTimestamp();
        while (got < count)
        {
            got += Port.RxQueues[queue].Receive(packets.AsSpan(got, Math.Min(32, count - got)));
            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                Packet.Free(packets.AsSpan(0, got));
                Assert.Fail($"{got} of {count} packets arrived on rx queue {queue}; {Port.GetStatistics()}");
            }
        }

        return packets;
    }

    /// <summary>Takes the next frame, which must come; over all of its segments.</summary>
    public byte[] ReceiveFrame(int queue = 0)
    {
        Packet packet = Receive(1, queue)[0];
        byte[] frame = Content(packet);
        packet.Free();
        return frame;
    }

    /// <summary>Takes and frees what arrives until a marker does that is sent now: after it nothing is on its way.</summary>
    /// <returns>What arrived before the marker.</returns>
    public IReadOnlyList<byte[]> ReceiveUntilMarker(int queue = 0)
    {
        var frames = new List<byte[]>();
        if (!Model.WaitsForBuffers)
            TakeUntilSilence(frames, queue);
        var markers = new List<byte[]> { SendMarker() };
        long start = Stopwatch.GetTimestamp();
        long last = start;
        Packet packet = default;
        while (true)
        {
            if (Port.RxQueues[queue].Receive(new Span<Packet>(ref packet)) == 1)
            {
                byte[] frame = Content(packet);
                packet.Free();
                last = Stopwatch.GetTimestamp();
                // Only behind the last of them nothing is on its way.
                if (frame.AsSpan().SequenceEqual(markers[^1]))
                    return frames;
                if (!markers.Exists(marker => frame.AsSpan().SequenceEqual(marker)))
                    frames.Add(frame);
            }

            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, $"no marker arrived on rx queue {queue}; {Port.GetStatistics()}");
            // A device that drops what it has no buffer for may have dropped it, behind frames that came when silence seemed to be.
            if (!Model.WaitsForBuffers && Stopwatch.GetElapsedTime(last) > s_markerAtMost)
            {
                markers.Add(SendMarker());
                last = Stopwatch.GetTimestamp();
            }
        }
    }

    /// <summary>Takes the frames that the NIC sent until a marker that is sent now.</summary>
    public IReadOnlyList<byte[]> SentUntilMarker(int queue = 0)
    {
        byte[] marker = TestFrames.Marker(TestFrames.Stranger);
        Send(marker, queue);
        var frames = new List<byte[]>();
        while (true)
        {
            byte[] frame = Wire.Receive();
            if (frame.AsSpan().SequenceEqual(marker))
                return frames;
            frames.Add(frame);
        }
    }

    /// <summary>The bytes of a packet over all of its segments.</summary>
    public static byte[] Content(Packet packet)
    {
        byte[] frame = new byte[packet.Length];
        Assert.Equal(frame.Length, packet.CopyTo(frame));
        return frame;
    }

    /// <summary>Waits until something is so.</summary>
    public static void WaitFor(Func<bool> condition, string otherwise)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, otherwise);
            Thread.Sleep(1);
        }
    }

    /// <summary>
    /// Closes the port: all buffers are back in the pool then, the device cannot reach memory any more, it has written
    /// nowhere but into dataplane memory, and QEMU found nothing to complain about.
    /// </summary>
    public void AssertClean()
    {
        Port.Dispose();
        Assert.Equal(0, InUse);
        Assert.False(Function.IsBusMaster, "the device is still bus master");
        Machine.AssertNoStrayDma();
        Assert.Equal("", Machine.Complaints);
    }

    /// <inheritdoc/>
    public void Dispose() => Disposal.All(new IDisposable?[] { Port, _prepared, Machine, Pool, _memory }.OfType<IDisposable>());

    private byte[] SendMarker()
    {
        byte[] marker = TestFrames.Marker(Port.MacAddress);
        Wire.Send(marker);
        return marker;
    }

    /// <summary>A device that drops what it has no buffer for would drop a marker too.</summary>
    private void TakeUntilSilence(List<byte[]> frames, int queue)
    {
        var burst = new Packet[32];
        for (long last = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(last) < s_silence;)
        {
            int count = Port.RxQueues[queue].Receive(burst);
            for (int i = 0; i < count; i++)
                frames.Add(Content(burst[i]));
            Packet.Free(burst.AsSpan(0, count));
            if (count > 0)
                last = Stopwatch.GetTimestamp();
        }
    }

    private Packet Segment(ReadOnlySpan<byte> data)
    {
        Assert.True(Pool.TryAllocate(out Packet packet));
        Assert.True(packet.TryAppend(data.Length, out Span<byte> room));
        data.CopyTo(room);
        return packet;
    }
}
