using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>What all suites have. Each test has a QEMU of its own and ends with <see cref="NicTestBed.AssertClean"/>.</summary>
/// <typeparam name="TModel">The device.</typeparam>
public abstract class NicSuite<TModel>
    where TModel : NicModel, new()
{
    /// <summary>
    /// Bytes that are put on the wire before they are taken from the port. The smallest ring, with 64 descriptors of which 32
    /// may wait for the next refill, has room for them: some models drop what does not fit.
    /// </summary>
    private const int Batch = 30 << 10;

    private protected NicSuite()
    {
    }

    private protected TModel Model { get; } = new();

    /// <summary>Runs a test on a port that is neither configured nor started.</summary>
    private protected void Run(Action<NicTestBed> test, MempoolOptions? pool = null)
    {
        using var bed = new NicTestBed(Model, pool);
        test(bed);
        bed.AssertClean();
    }

    /// <summary>Frames arrive as they were sent, in order, each in as many segments as it takes and without a flag.</summary>
    private protected static unsafe void AssertArrive(NicTestBed bed, IEnumerable<byte[]> frames)
    {
        foreach (IReadOnlyList<byte[]> batch in Batches(frames))
        {
            foreach (byte[] frame in batch)
                bed.Wire.Send(frame);
            Packet[] packets = bed.Receive(batch.Count);
            foreach ((byte[] frame, Packet packet) in batch.Zip(packets))
            {
                AssertSame(frame, NicTestBed.Content(packet));
                Assert.Equal(bed.Model.BuffersFor(frame.Length, bed.Pool.DataRoom), packet.SegmentCount);
                Assert.Equal(bed.Port.Id, packet.Port);
                Assert.Equal(MbufFlags.None, packet.Mbuf->Flags);
            }

            Packet.Free(packets);
        }
    }

    /// <summary>Frames leave as they are, in order.</summary>
    /// <param name="bed">Whose port sends them.</param>
    /// <param name="frames">What is sent, in bursts.</param>
    /// <param name="perSegment">Bytes of a buffer.</param>
    private protected static void AssertLeave(NicTestBed bed, IEnumerable<byte[]> frames, int perSegment = int.MaxValue)
    {
        // The wire holds some 200 KiB, and QEMU waits for room in it.
        foreach (byte[][] batch in frames.Chunk(16))
        {
            bed.Send([.. batch.Select(frame => bed.CreatePacket(frame, perSegment))]);
            AssertOnWire(bed.Wire, batch);
        }
    }

    /// <summary>The next frames on the wire are these.</summary>
    private protected static void AssertOnWire(IWire wire, IEnumerable<byte[]> frames)
    {
        foreach (byte[] frame in frames)
            AssertSame(frame, wire.Receive());
    }

    /// <summary>
    /// Numbered frames are in order and none is there twice; all are there if the device waits for buffers, where that can be
    /// asked of it.
    /// </summary>
    /// <param name="frames">What arrived.</param>
    /// <param name="first">Number of the first that was sent.</param>
    /// <param name="sent">How many were sent.</param>
    /// <param name="mayLose">Whether frames may be missing in any case.</param>
    private protected void AssertNumbersRise(IReadOnlyList<byte[]> frames, int first, int sent, bool mayLose = false)
    {
        int[] numbers = [.. frames.Select(frame => TestFrame.NumberOf(frame))];
        Assert.Equal(numbers.Order().Distinct(), numbers);
        Assert.All(numbers, number => Assert.InRange(number, first, first + sent - 1));
        if (Model.WaitsForBuffers && !mayLose)
            Assert.Equal(sent, numbers.Length);
    }

    /// <summary>Two frames are equal; says where they are not, instead of printing all of both.</summary>
    private protected static void AssertSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        int same = expected.CommonPrefixLength(actual);
        if (same != expected.Length || same != actual.Length)
            Assert.Fail($"A frame of {expected.Length} bytes became one of {actual.Length}, equal up to byte {same}");
    }

    /// <summary>Numbered frames for the port.</summary>
    private protected static IEnumerable<byte[]> ToPort(NicTestBed bed, int count, int length = 60) =>
        Enumerable.Range(0, count).Select(i => TestFrames.To(bed.Port.MacAddress, length, i));

    /// <summary>Numbered frames from the port.</summary>
    private protected static IEnumerable<byte[]> FromPort(int count, int length = 60) =>
        Enumerable.Range(0, count).Select(i => TestFrames.To(TestFrames.Stranger, length, i));

    private static IEnumerable<IReadOnlyList<byte[]>> Batches(IEnumerable<byte[]> frames)
    {
        var batch = new List<byte[]>();
        int room = Batch;
        foreach (byte[] frame in frames)
        {
            int taken = Math.Max(frame.Length, 1 << 10);
            if (taken > room)
            {
                yield return batch;
                batch = [];
                room = Batch;
            }

            batch.Add(frame);
            room -= taken;
        }

        yield return batch;
    }
}
