using Dataplane.Memory;
using Dataplane.Virtio;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>Random operations of driver and device on a ring, compared with queues and dictionaries.</summary>
internal sealed class RingModel(DataplaneMemory memory, bool packed, int size, VirtioFeatures features)
{
    private readonly Dictionary<nint, BufferPiece[]> _inFlight = [];
    private readonly List<nint> _added = [];
    private readonly Queue<nint> _published = [];
    private readonly List<(nint Token, DeviceBuffer Buffer)> _atDevice = [];
    private readonly Queue<UsedBuffer> _used = [];
    private nint _token;

    public void Run(int[] operations)
    {
        using var bed = RingBed.Create(memory, packed, size, features | VirtioFeatures.RingIndirectDesc);
        foreach (int operation in operations)
        {
            int number = operation & int.MaxValue;
            Do(bed, number % 8, number / 8);
            Assert.Equal(_inFlight.Count, bed.InFlight);
        }

        Assert.Equal(0u, bed.Violations);
        Assert.Equal(_inFlight.Keys.Order(), bed.TakeAll().Order());
    }

    private void Do(RingBed bed, int operation, int argument)
    {
        switch (operation)
        {
            case 0 or 1 or 2 or 3 when bed.Free > 0:
                Add(bed, operation, argument);
                break;
            case 4:
                bed.Publish();
                _added.ForEach(_published.Enqueue);
                _added.Clear();
                break;
            case 5 when _published.Count != 0:
                Take(bed);
                break;
            case 6 when _atDevice.Count != 0:
                (nint Token, DeviceBuffer Buffer) chosen = _atDevice[argument % _atDevice.Count];
                _atDevice.Remove(chosen);
                bed.Device.Use(chosen.Buffer, argument & 0xFFFF);
                _used.Enqueue(new UsedBuffer(chosen.Token, (uint)(argument & 0xFFFF)));
                break;
            case 7:
                foreach (UsedBuffer buffer in bed.TakeUsed(1 + (argument % 8)))
                {
                    Assert.Equal(_used.Dequeue(), buffer);
                    _inFlight.Remove(buffer.Token);
                }

                break;
        }
    }

    private void Add(RingBed bed, int operation, int argument)
    {
        int most = operation switch { 2 => Math.Min(5, bed.Free), 3 => 8, _ => 1 };
        BufferPiece[] pieces = Pieces(++_token, 1 + (argument % most));
        int readable = argument % (pieces.Length + 1);
        _inFlight[_token] = pieces;
        _added.Add(_token);
        if (operation == 3)
            bed.AddIndirect(_token, pieces);
        else if (operation == 2)
            bed.AddChain(_token, pieces.AsSpan(0, readable), pieces.AsSpan(readable));
        else
            bed.Add(_token, pieces[0]);
    }

    private void Take(RingBed bed)
    {
        DeviceBuffer taken = Assert.IsType<DeviceBuffer>(bed.Device.Take());
        nint expected = _published.Dequeue();
        Assert.Equal(_inFlight[expected], taken.Pieces.Select(piece => new BufferPiece((ulong)piece.Address, (uint)piece.Length)));
        _atDevice.Add((expected, taken));
    }

    private static BufferPiece[] Pieces(nint token, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new BufferPiece(((ulong)token << 12) + (uint)i, (uint)i + 1))];
}
