using System.Diagnostics;
using Dataplane.Testing;

namespace Dataplane.Interop.Tests.Rig;

/// <summary>Sends numbered frames through one of our ports and compares what a peer hands back through another.</summary>
internal static class FrameExchange
{
    /// <summary>
    /// So many on the way that no ring of a test gets full, however many buffers a frame takes: DPDK's net_memif overruns a
    /// full ring with a chained frame (eth_memif_tx counts free slots one too far).
    /// </summary>
    private const int Window = 16;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Sends a frame now and then until one comes out of the other port before the next is sent: a switch drops some until it
    /// is ready. Behind this nothing is on its way.
    /// </summary>
    public static void WaitForPassage(OwnPorts ports, int from, int to, int queues)
    {
        long start = Stopwatch.GetTimestamp();
        for (int queue = 0, number = 0; queue < queues; queue++)
        {
            do
            {
                Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"no frame gets through: {string.Join('\n', ports.Log.Lines)}");
                ports.TrySend(from, queue, TestFrame.Create(60, ++number));
            }
            while (!Arrives(ports, to, queues, number));
        }
    }

    /// <summary>
    /// Sends frames in turn over all queues. Each must come back once, in the order of its queue, and byte for byte.
    /// </summary>
    /// <param name="ports">Our ports.</param>
    /// <param name="from">The one to send from.</param>
    /// <param name="to">The one to receive at.</param>
    /// <param name="queues">Their queues.</param>
    /// <param name="lengths">One frame of each of these lengths, in bytes.</param>
    public static void Run(OwnPorts ports, int from, int to, int queues, IReadOnlyList<int> lengths)
    {
        var arrived = new List<byte[]>();
        bool[] seen = new bool[lengths.Count];
        // Of each sending queue: a switch may hand the frames of two of them to one.
        int[] last = [.. Enumerable.Repeat(-1, queues)];
        int sent = 0;
        int received = 0;
        long progress = Stopwatch.GetTimestamp();
        while (received < lengths.Count)
        {
            if (sent < lengths.Count && sent - received < Window && ports.TrySend(from, sent % queues, TestFrame.Create(lengths[sent], sent)))
                sent++;
            for (int queue = 0; queue < queues; queue++)
            {
                ports.Receive(to, queue, arrived);
                foreach (byte[] frame in arrived)
                    Check(frame);
                arrived.Clear();
            }

            Assert.True(
                Stopwatch.GetElapsedTime(progress) < s_patience,
                $"of {sent} frames from {ports[from].Name} to {ports[to].Name} {received} came back, not number {Array.IndexOf(seen, false)}: {string.Join('\n', ports.Log.Lines)}");
        }

        void Check(byte[] frame)
        {
            Assert.True(frame.Length >= 18, $"a frame of {frame.Length} bytes came back");
            int number = TestFrame.NumberOf(frame);
            Assert.InRange(number, 0, sent - 1);
            Assert.True(number > last[number % queues], $"frame {number} came behind {last[number % queues]}");
            Assert.True(
                frame.AsSpan().SequenceEqual(TestFrame.Create(lengths[number], number)),
                $"the frame of {lengths[number]} bytes came back with {frame.Length} or with another content");
            Assert.False(seen[number], $"frame {number} came back twice");
            seen[number] = true;
            last[number % queues] = number;
            received++;
            progress = Stopwatch.GetTimestamp();
        }
    }

    private static bool Arrives(OwnPorts ports, int to, int queues, int number)
    {
        var arrived = new List<byte[]>();
        for (int look = 0; look < 100; look++)
        {
            for (int queue = 0; queue < queues; queue++)
                ports.Receive(to, queue, arrived);
            if (arrived.Any(frame => TestFrame.NumberOf(frame) == number))
                return true;
            Thread.Sleep(1);
        }

        return false;
    }
}
