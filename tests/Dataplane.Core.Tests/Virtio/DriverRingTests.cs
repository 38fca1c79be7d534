using Dataplane.Core.Tests.Memory;
using Dataplane.Virtio;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>The driver's half of both rings against a device that is written from the specification.</summary>
public sealed class DriverRingTests : IDisposable
{
    private const int Size = 8;

    private static readonly VirtioFeatures[] Suppressions = [VirtioFeatures.None, VirtioFeatures.RingEventIdx];

    private readonly TestPool _pool = new(count: 1);

    public void Dispose() => _pool.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Buffers_go_to_the_device_and_come_back_in_any_order(bool packed, bool eventIndex)
    {
        VirtioFeatures features = eventIndex ? VirtioFeatures.RingEventIdx | VirtioFeatures.OrderPlatform : VirtioFeatures.None;
        Prop.ForAll(
            ArbMap.Default.ArbFor<int[]>(),
            Gen.Elements(2, 4, 16).ToArbitrary(),
            (operations, size) => new RingModel(_pool.Memory, packed, size, features).Run(operations))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithEndSize(400));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_device_that_works_in_order_may_name_the_last_buffer_of_a_batch_alone(bool packed)
    {
        using var bed = RingBed.Create(_pool.Memory, packed, Size, VirtioFeatures.InOrder);
        var random = new System.Random(5);
        var used = new Queue<UsedBuffer>();
        var atDevice = new Queue<nint>();
        nint token = 0;
        for (int round = 0; round < 5000; round++)
        {
            for (int i = random.Next(4); i > 0 && bed.Free >= 2; i--)
            {
                atDevice.Enqueue(++token);
                if (random.Next(2) == 0)
                    bed.Add(token, new BufferPiece(0x1000, 10));
                else
                    bed.AddChain(token, [new BufferPiece(0x1000, 10), new BufferPiece(0x2000, 20)], []);
            }

            bed.Publish();
            var batch = new List<DeviceBuffer>();
            for (int i = random.Next(4); i > 0 && bed.Device.Take() is { } buffer; i--)
                batch.Add(buffer);
            for (int i = 0; i < batch.Count; i++)
                used.Enqueue(new UsedBuffer(atDevice.Dequeue(), i == batch.Count - 1 ? (uint)round : UsedBuffer.All));
            if (batch.Count != 0)
                bed.Device.UseBatch(batch, round);
            foreach (UsedBuffer buffer in bed.TakeUsed(random.Next(1, 5)))
                Assert.Equal(used.Dequeue(), buffer);
        }

        Assert.True(token > 2000);
        Assert.Equal(0u, bed.Violations);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_hostile_device_gets_no_buffer_back_that_it_does_not_have(bool packed) =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<int[]>(),
            ArbMap.Default.ArbFor<int>(),
            Gen.Elements(VirtioFeatures.None, VirtioFeatures.InOrder).ToArbitrary(),
            (operations, seed, features) => RunHostile(packed, operations, seed, features))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(300));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_id_that_is_out_of_range_or_used_twice_is_a_violation(bool packed)
    {
        using var bed = RingBed.Create(_pool.Memory, packed, Size, VirtioFeatures.None);
        bed.Add(1, new BufferPiece(0x1000, 10));
        bed.Add(2, new BufferPiece(0x2000, 10));
        bed.Add(3, new BufferPiece(0x3000, 10));
        bed.Publish();
        DeviceBuffer first = bed.Device.Take()!;

        bed.Device.Use(first with { Id = Size }, 10);
        bed.Device.Use(first, 10);
        bed.Device.Use(first, 10);

        Assert.Equal([new UsedBuffer(1, 10)], bed.TakeUsed());
        Assert.Equal(2u, bed.Violations);
        Assert.Equal([2, 3], bed.TakeAll());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_device_is_notified_only_when_it_wants_to_be(bool packed)
    {
        foreach (VirtioFeatures features in Suppressions)
        {
            using var bed = RingBed.Create(_pool.Memory, packed, Size, features);
            for (int round = 0; round < 50; round++)
            {
                bed.Device.RequestNotification();
                Assert.True(AddAndPublish(bed));
                UseAll(bed);

                bed.Device.SuppressNotifications();
                Assert.False(AddAndPublish(bed));
                Assert.False(AddAndPublish(bed));
                UseAll(bed);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_interrupt_comes_for_the_first_buffer_after_it_was_asked_for_and_no_other(bool packed)
    {
        foreach (VirtioFeatures features in Suppressions)
        {
            using var bed = RingBed.Create(_pool.Memory, packed, Size, features);
            for (int round = 0; round < 50; round++)
            {
                AddAndPublish(bed);
                Assert.True(bed.TryRequestInterrupt());
                bed.Device.Use(bed.Device.Take()!, 0);
                Assert.True(bed.Device.WantsInterrupt());
                Assert.False(bed.TryRequestInterrupt());
                Assert.Single(bed.TakeUsed());

                bed.SuppressInterrupts();
                AddAndPublish(bed);
                bed.Device.Use(bed.Device.Take()!, 0);
                Assert.False(bed.Device.WantsInterrupt());
                Assert.Single(bed.TakeUsed());
            }
        }
    }

    private static bool AddAndPublish(RingBed bed)
    {
        bed.Add(1, new BufferPiece(0x1000, 10));
        return bed.Publish();
    }

    private static void UseAll(RingBed bed)
    {
        while (bed.Device.Take() is { } buffer)
            bed.Device.Use(buffer, 0);
        bed.TakeUsed();
        Assert.Equal(0, bed.InFlight);
        Assert.Equal(bed.Device.Size, bed.Free);
    }

    /// <summary>The device writes anything anywhere in the ring between what the driver does.</summary>
    private void RunHostile(bool packed, int[] operations, int seed, VirtioFeatures features)
    {
        var random = new System.Random(seed);
        using var bed = RingBed.Create(_pool.Memory, packed, Size, features);
        var inFlight = new HashSet<nint>();
        nint token = 0;
        foreach (int operation in operations)
        {
            Span<byte> ring = bed.Device.WritableRing;
            switch (operation & 3)
            {
                case 0:
                    for (int i = random.Next(Size); i > 0 && bed.Free > 0; i--)
                    {
                        inFlight.Add(++token);
                        bed.Add(token, default);
                    }

                    bed.Publish();
                    break;
                case 1:
                    random.NextBytes(ring);
                    break;
                case 2:
                    ring[random.Next(ring.Length)] = (byte)random.Next(16);
                    break;
                default:
                    foreach (UsedBuffer used in bed.TakeUsed())
                        Assert.True(inFlight.Remove(used.Token), "a buffer that was not in flight came back");
                    break;
            }

            Assert.InRange(bed.Free, 0, Size - inFlight.Count);
        }

        Assert.Equal(inFlight.Order(), bed.TakeAll().Order());
    }
}
