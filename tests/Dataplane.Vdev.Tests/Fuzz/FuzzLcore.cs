using System.Buffers.Binary;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>
/// Forwards whatever comes from attacked ports, back to them and to ports that nobody attacks, holds some of it for a
/// while, and sends frames of its own. Between the two ports that nobody attacks, every frame must arrive as it was sent.
/// </summary>
internal sealed class FuzzLcore : IDisposable
{
    private const int Burst = 32, MostHeld = 200, MostInFlight = 64;
    private const ulong Mark = 0xF0_55_11_22_33_44_AA_0F;

    private readonly Thread _thread;
    private readonly Random _random;
    private readonly Mempool _pool;
    private readonly Port _from;
    private readonly Port _to;
    private readonly IReadOnlyList<Port> _attacked;
    private readonly RxWaiter? _waiter;
    private readonly Queue<Packet> _held = new();
    private readonly Packet[] _burst = new Packet[Burst];
    private readonly byte[] _frame = new byte[80_000];
    private volatile bool _isStopping;
    private volatile bool _isPausing;
    private volatile bool _isPaused;
    private ulong _sent;
    private ulong _arrived;
    private ulong _received;

    public FuzzLcore(int seed, Mempool pool, Port from, Port to, IReadOnlyList<Port> attacked, bool interrupts)
    {
        _random = new Random(seed);
        _pool = pool;
        _from = from;
        _to = to;
        _attacked = attacked;
        _waiter = interrupts ? new RxWaiter(attacked.Select(port => port.RxQueues[0])) : null;
        _thread = new Thread(Run) { IsBackground = true, Name = "fuzz lcore" };
        _thread.Start();
    }

    /// <summary>Frames between the ports that nobody attacks.</summary>
    public ulong Forwarded => Volatile.Read(ref _arrived);

    public ulong Received => Volatile.Read(ref _received);

    public Exception? Failure { get; private set; }

    /// <summary>Does something while the lcore sends nothing and has freed everything.</summary>
    public void Pause(Action action)
    {
        _isPausing = true;
        while (!_isPaused && Failure is null)
            Thread.Sleep(1);
        action();
        _isPausing = false;
        while (_isPaused && Failure is null)
            Thread.Sleep(1);
    }

    public void Dispose()
    {
        _isStopping = true;
        _thread.Join();
        FreeHeld(all: true);
    }

    private void Run()
    {
        try
        {
            while (!_isStopping)
            {
                bool isQuiet = _isPausing;
                foreach (Port port in _attacked)
                    ReceiveHostile(port, isQuiet);
                FreeHeld(isQuiet);
                if (!isQuiet)
                    SendMarked();
                ReceiveMarked();
                // A sent frame is freed when its queue is used the next time.
                _isPaused = isQuiet && _arrived == _sent;
                if (isQuiet)
                    Thread.Sleep(1);
                else if (_waiter is not null && _random.OneIn(64))
                    _waiter.Wait(TimeSpan.FromMilliseconds(1));
                else if (_random.OneIn(16))
                    Thread.Yield();
            }
        }
        catch (Exception exception)
        {
            Failure = exception;
        }
    }

    private void ReceiveHostile(Port port, bool isQuiet)
    {
        Span<Packet> burst = _burst;
        burst = burst[..port.RxQueues[0].Receive(burst)];
        _received += (ulong)burst.Length;
        foreach (Packet packet in burst)
        {
            if (packet.CopyTo(_frame) != packet.Length)
                throw new InvalidOperationException($"a frame of {packet.Length} bytes has fewer");
            // Who says that a buffer was written that it left alone lets an earlier frame between the others arrive here.
            if (IsMarked(_frame.AsSpan(0, packet.Length)))
            {
                packet.Free();
                continue;
            }

            if (packet.Data.Length >= 12)
                packet.Data[..12].Fill(0x02);
            switch (isQuiet ? 0 : _random.Next(4))
            {
                case 0:
                    packet.Free();
                    break;
                case 1 when _held.Count < MostHeld:
                    _held.Enqueue(packet);
                    break;
                case 2:
                    Send(_random.Pick(_from, _to), packet);
                    break;
                default:
                    Send(port, packet);
                    break;
            }
        }

        if (!isQuiet && _random.OneIn(4) && _pool.TryAllocate(out Packet own))
        {
            _ = own.TryAppend(_random.Next(14, 1500), out _);
            Send(port, own);
        }
    }

    private static void Send(Port port, Packet packet)
    {
        if (port.TxQueues[0].Send(new ReadOnlySpan<Packet>(in packet)) == 0)
            packet.Free();
    }

    private void FreeHeld(bool all)
    {
        while (_held.Count != 0 && (all || _random.OneIn(3)))
            _held.Dequeue().Free();
    }

    private void SendMarked()
    {
        if (_sent - _arrived >= MostInFlight || !_pool.TryAllocate(out Packet packet))
            return;
        _ = packet.TryAppend(LengthOf(_sent), out Span<byte> data);
        Fill(data, _sent);
        if (_from.TxQueues[0].Send(new ReadOnlySpan<Packet>(in packet)) == 1)
            _sent++;
        else
            packet.Free();
    }

    private static bool IsMarked(ReadOnlySpan<byte> frame) =>
        frame.Length >= 22 && BinaryPrimitives.ReadUInt64LittleEndian(frame[14..]) == Mark;

    private void ReceiveMarked()
    {
        Span<Packet> burst = _burst;
        foreach (Packet packet in burst[.._to.RxQueues[0].Receive(burst)])
        {
            int length = packet.CopyTo(_frame);
            packet.Free();
            ReadOnlySpan<byte> frame = _frame.AsSpan(0, length);
            if (!IsMarked(frame))
                continue;
            byte[] expected = new byte[LengthOf(_arrived)];
            Fill(expected, _arrived);
            if (!frame.SequenceEqual(expected))
                throw new InvalidOperationException($"frame {_arrived} between ports that nobody attacks is another one");
            Volatile.Write(ref _arrived, _arrived + 1);
        }

        foreach (Packet packet in burst[.._from.RxQueues[0].Receive(burst)])
            packet.Free();
    }

    private static int LengthOf(ulong number) => 60 + (int)(number * 37 % 1400);

    private static void Fill(Span<byte> frame, ulong number)
    {
        for (int i = 0; i < frame.Length; i++)
            frame[i] = (byte)(number + (ulong)i);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[14..], Mark);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[22..], number);
    }
}
