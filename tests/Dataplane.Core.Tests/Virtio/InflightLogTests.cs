using System.Runtime.CompilerServices;
using Dataplane.Core.Tests.Memory;
using Dataplane.Memory;
using Dataplane.Virtio;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>Devices that die at any moment, and others that go on with their rings.</summary>
public sealed unsafe class InflightLogTests : IDisposable
{
    private const int Size = 16;

    private readonly TestPool _pool = new(count: 1);
    private readonly AlignedMemory _log = new((nuint)InflightLog.LengthOf(Size, isPacked: true));

    public static TheoryData<bool, int> Seeds
    {
        get
        {
            var seeds = new TheoryData<bool, int>();
            for (int seed = 0; seed < 30; seed++)
                seeds.Add(seed % 2 == 0, seed);
            return seeds;
        }
    }

    private nint Log => (nint)_log.Address;

    public void Dispose()
    {
        _log.Dispose();
        _pool.Dispose();
    }

    [Fact]
    public void Layouts_are_those_of_the_specification()
    {
        Assert.Equal(16, sizeof(SplitInflightHeader));
        Assert.Equal(16, sizeof(SplitInflightEntry));
        Assert.Equal(8, sizeof(SplitInflightState));
        Assert.Equal(32, sizeof(PackedInflightHeader));
        Assert.Equal(32, sizeof(PackedInflightEntry));
        Assert.Equal(8, sizeof(PackedInflightList));
        Assert.Equal(8, sizeof(PackedInflightUsed));
        Assert.Equal(0x0004_0003_0002_0001ul, Unsafe.BitCast<SplitInflightState, ulong>(
            new() { Version = 1, EntryCount = 2, LastBatchHead = 3, UsedIndex = 4 }));
        Assert.Equal(0x0004_0003_0002_0001ul, Unsafe.BitCast<PackedInflightList, ulong>(
            new() { Version = 1, EntryCount = 2, FreeHead = 3, OldFreeHead = 4 }));
        Assert.Equal(0x0000_0403_0002_0001ul, Unsafe.BitCast<PackedInflightUsed, ulong>(
            new() { UsedIndex = 1, OldUsedIndex = 2, UsedWrap = 3, OldUsedWrap = 4 }));
        Assert.Equal(64 + (16 * 16), InflightLog.LengthOf(16, isPacked: false));
        Assert.Equal(64 + (16 * 32), InflightLog.LengthOf(16, isPacked: true));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_buffer_comes_back_once_and_none_that_was_kept_is_seen_again(bool packed, int seed)
    {
        var random = new Random(seed);
        using DeviceRingBed bed = DeviceRingBed.Create(_pool.Memory, packed, Size, VirtioFeatures.Version1);
        bed.ReplaceDevice(Log);
        var driven = new HashSet<nint>();
        var kept = new List<uint>();
        var written = new HashSet<ulong>();
        ulong added = 0;
        int ends = 0;
        for (int round = 0; round < 400; round++)
        {
            for (int pieces = random.Next(1, 4); bed.Free >= pieces && random.Next(6) != 0; pieces = random.Next(1, 4))
            {
                // Never the same address, so that a buffer is known by it.
                ulong address = DeviceRingBed.Buffers + (16 * added);
                added++;
                bed.Add((nint)added, isWritable: false, [.. Enumerable.Range(0, pieces).Select(i => new BufferPiece(address + (ulong)i, 1))]);
                Assert.True(driven.Add((nint)added));
            }

            bed.PublishDriver();
            DeviceEnd end = random.Next(4) == 0 ? (DeviceEnd)random.Next(3) : DeviceEnd.None;
            if (kept.Count != 0 && random.Next(3) != 0)
            {
                uint[] back = [.. kept.OrderBy(_ => random.Next()).Take(random.Next(1, kept.Count + 1))];
                bed.GiveBack(back, end);
                kept.RemoveAll(back.Contains);
            }
            else
                end = DeviceEnd.None;

            if (end == DeviceEnd.None)
            {
                for (int bursts = random.Next(4); bursts > 0; bursts--)
                {
                    (uint Token, BufferPiece[] Pieces)[] taken = [.. bed.Take(1)];
                    Assert.All(taken, buffer => Assert.DoesNotContain(buffer.Pieces[0].Address, written));
                    if (kept.Count == 0 && random.Next(2) == 0)
                    {
                        foreach ((uint token, _) in taken)
                            bed.Return(token, 0);
                        bed.GiveBack([], DeviceEnd.None);
                    }
                    else
                    {
                        bed.Keep(taken.Select(buffer => buffer.Token));
                        kept.AddRange(taken.Select(buffer => buffer.Token));
                        written.UnionWith(taken.Select(buffer => buffer.Pieces[0].Address));
                    }
                }
            }

            if (end != DeviceEnd.None || random.Next(20) == 0)
            {
                bed.ReplaceDevice(Log);
                kept.Clear();
                ends++;
            }

            Assert.All(bed.TakeUsed(), used => Assert.True(driven.Remove(used.Token)));
            Assert.Equal(0u, bed.DriverViolations);
        }

        Assert.NotEqual(0, ends);
        bed.ReplaceDevice(Log);
        foreach ((uint token, _) in Enumerable.Range(0, 2 * Size).SelectMany(_ => bed.Take(1)))
            bed.Return(token, 0);
        bed.GiveBack([], DeviceEnd.None);
        Assert.All(bed.TakeUsed(), used => Assert.True(driven.Remove(used.Token)));
        Assert.Empty(driven);
        Assert.Equal(Size, bed.Free);
        Assert.Equal(RingViolation.None, bed.Violation);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_a_driver_writes_into_the_log_hurts_nobody_else(bool packed, int seed)
    {
        var random = new Random(seed);
        using DeviceRingBed bed = DeviceRingBed.Create(_pool.Memory, packed, Size, VirtioFeatures.Version1);
        var bytes = new Span<byte>(_log.Address, InflightLog.LengthOf(Size, packed));
        for (int round = 0; round < 200; round++)
        {
            random.NextBytes(bytes);
            foreach (int i in Enumerable.Range(0, bytes.Length).Where(_ => random.Next(2) == 0))
                bytes[i] &= 1;
            *(ushort*)(_log.Address + 8) = 1;
            bed.ReplaceDevice(Log);
            _ = bed.Take(1);
            random.NextBytes(bytes);
            bed.Keep([1 << 16, 3 | (2 << 16)]);
            random.NextBytes(bytes);
            bed.GiveBack([3 | (2 << 16), 1 << 16, 5 | (1 << 16)], DeviceEnd.None);
        }
    }
}
