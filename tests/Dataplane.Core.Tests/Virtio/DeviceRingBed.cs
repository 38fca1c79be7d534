using Dataplane.Memory;
using Dataplane.Virtio;
using Taken = Dataplane.Virtio.DeviceBuffer;
using TakenPiece = Dataplane.Virtio.DevicePiece;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>A driver's ring and the device's half of the same ring; descriptors have addresses of a guest.</summary>
internal abstract unsafe class DeviceRingBed : IDisposable
{
    /// <summary>What addresses of the guest are ahead of ours.</summary>
    public const ulong GuestOffset = 0x1234_0000_0000;

    /// <summary>Where the buffers of the tests lie, in the guest's addresses: 1 MiB of it is shared, in two regions that touch.</summary>
    public const ulong Buffers = GuestOffset;

    public const int BuffersLength = 1 << 20;

    /// <summary>Where the one region ends and the next one starts.</summary>
    public const ulong Border = Buffers + (BuffersLength / 2);

    public static DeviceRingBed Create(DataplaneMemory memory, bool packed, int size, VirtioFeatures features) => packed
        ? new DeviceRingBed<PackedDriverRing, PackedDeviceRing>(memory, size, features | VirtioFeatures.RingPacked)
        : new DeviceRingBed<SplitDriverRing, SplitDeviceRing>(memory, size, features);

    public abstract RingViolation Violation { get; }

    public abstract uint Position { get; }

    public abstract int Free { get; }

    /// <summary>The areas of the ring, to break rules in.</summary>
    public abstract byte* Descriptors { get; }

    public abstract byte* Driver { get; }

    public abstract byte* Device { get; }

    /// <summary>Ours of an address of the guest.</summary>
    public abstract byte* HostOf(ulong address);

    public abstract void Add(nint token, bool isWritable, params BufferPiece[] pieces);

    public abstract void AddIndirect(nint token, params BufferPiece[] pieces);

    public abstract bool PublishDriver();

    public abstract IReadOnlyList<UsedBuffer> TakeUsed();

    public abstract ulong DriverViolations { get; }

    public abstract bool TryRequestInterrupt();

    /// <summary>Buffers with their pieces, in the guest's addresses.</summary>
    public abstract IReadOnlyList<(uint Token, BufferPiece[] Pieces)> Take(int most, bool isWritable = false);

    public abstract void Untake(int count);

    public abstract void Return(uint token, uint written);

    public abstract bool PublishDevice();

    public abstract bool TryRequestNotification();

    public abstract void SuppressNotifications();

    /// <summary>Goes on with another device's half, where this one stands.</summary>
    public abstract void ReplaceDevice();

    /// <summary>Goes on with another device's half, which gives back what this one has written down as kept.</summary>
    public abstract void ReplaceDevice(nint log);

    /// <summary>Writes down that the last buffers that were taken are kept. Everything was published.</summary>
    public abstract void Keep(IEnumerable<uint> tokens);

    /// <summary>Gives buffers back that were written down.</summary>
    public abstract void GiveBack(IEnumerable<uint> tokens, DeviceEnd end);

    public abstract void Dispose();
}

/// <summary>Where a device ends that gives buffers back.</summary>
internal enum DeviceEnd
{
    None,
    BeforePublishing,
    AfterPublishing,
}

/// <inheritdoc/>
internal sealed unsafe class DeviceRingBed<TDriver, TDevice> : DeviceRingBed
    where TDriver : struct, IDriverRing<TDriver>
    where TDevice : struct, IDeviceRing<TDevice>
{
    private readonly VirtqueueMemory<TDriver> _memory;
    private readonly AlignedMemory _buffers = new(BuffersLength);
    private readonly AlignedMemory _pieces = new(Taken.MaxPieces * TakenPiece.Size);
    private readonly GuestMemoryTable _table;
    private readonly VirtqueueOptions _options;
    private readonly int _tableRoom;
#pragma warning disable IDE0044 // Their methods change them.
    private TDriver _driver;
    private TDevice _device;
#pragma warning restore IDE0044
    private Taken[] _taken = [];
    private ulong _violations;
    private InflightLog? _log;

    public DeviceRingBed(DataplaneMemory memory, int size, VirtioFeatures features)
    {
        _options = new VirtqueueOptions { Memory = memory, Name = "ring", Size = size, Features = features };
        _tableRoom = BuffersLength / 4 / size;
        _memory = new VirtqueueMemory<TDriver>(_options, extra: 0);
        _driver = _memory.CreateRing();
        nint half = BuffersLength / 2;
        _table = GuestMemoryTable.TryCreate(
        [
            new GuestRegion(Border, (ulong)half, (nint)_buffers.Address),
            new GuestRegion(Buffers, (ulong)half, (nint)_buffers.Address + half),
        ],
        out _)!;
        _device = TDevice.Create(OptionsAt(features.HasFlag(VirtioFeatures.RingPacked) ? EventSuppression.WrapBit : 0u));
    }

    public override RingViolation Violation => _device.Violation;

    public override uint Position => _device.Position;

    public override int Free => _driver.Free;

    public override ulong DriverViolations => _violations;

    public override byte* Descriptors => (byte*)_memory.Addresses.Descriptors;

    public override byte* Driver => (byte*)_memory.Addresses.Driver;

    public override byte* Device => (byte*)_memory.Addresses.Device;

    // The halves lie the other way round here, so that nothing is right by chance.
    public override byte* HostOf(ulong address) => address >= Border
        ? _buffers.Address + (address - Border)
        : _buffers.Address + (BuffersLength / 2) + (address - Buffers);

    public override void Add(nint token, bool isWritable, params BufferPiece[] pieces)
    {
        if (pieces.Length == 1)
            _driver.Add(token, pieces[0].Address, pieces[0].Length, isWritable ? DescriptorFlags.Write : DescriptorFlags.None);
        else
            _driver.AddChain(token, isWritable ? [] : pieces, isWritable ? pieces : []);
    }

    public override void AddIndirect(nint token, params BufferPiece[] pieces)
    {
        // Tables are at the end of the first region.
        ulong table = Border - (BuffersLength / 4) + (ulong)(_driver.NextId * _tableRoom);
        _driver.AddIndirect(token, HostOf(table), table, pieces);
    }

    public override bool PublishDriver() => _driver.Publish();

    public override IReadOnlyList<UsedBuffer> TakeUsed()
    {
        var all = new List<UsedBuffer>();
        UsedBuffer* used = stackalloc UsedBuffer[4];
        for (int taken = _driver.TakeUsed(used, 4, ref _violations); taken != 0; taken = _driver.TakeUsed(used, 4, ref _violations))
            all.AddRange(new ReadOnlySpan<UsedBuffer>(used, taken));
        return all;
    }

    public override bool TryRequestInterrupt() => _driver.TryRequestInterrupt();

    public override IReadOnlyList<(uint Token, BufferPiece[] Pieces)> Take(int most, bool isWritable = false)
    {
        _taken = new Taken[most];
        int count;
        fixed (Taken* into = _taken)
            count = _device.Take(into, most, isWritable ? DescriptorFlags.Write : DescriptorFlags.None);
        _taken = _taken[..count];
        return [.. _taken.Select(buffer => (buffer.Token, PiecesOf(buffer)))];
    }

    public override void Untake(int count)
    {
        fixed (Taken* buffers = _taken)
            _device.Untake(buffers + _taken.Length - count, count);
    }

    public override void Return(uint token, uint written) => _device.Return(token, written);

    public override bool PublishDevice() => _device.Publish();

    public override bool TryRequestNotification() => _device.TryRequestNotification();

    public override void SuppressNotifications() => _device.SuppressNotifications();

    public override void ReplaceDevice() => _device = TDevice.Create(OptionsAt(_device.Position));

    public override void ReplaceDevice(nint log)
    {
        // The driver knows where it stood at first, and nothing of what happened since.
        DeviceRingOptions options = OptionsAt(_options.Features.HasFlag(VirtioFeatures.RingPacked) ? EventSuppression.WrapBit : 0u);
        _log = InflightLog.Create(log, _options.Size, options);
        _device = TDevice.Create(options with { Position = _log.Recover<TDevice>(out _) });
    }

    public override void Keep(IEnumerable<uint> tokens)
    {
        foreach (uint token in tokens)
            _log!.Add(token);
        _log!.Keep(ref _device);
    }

    public override void GiveBack(IEnumerable<uint> tokens, DeviceEnd end)
    {
        foreach (uint token in tokens)
        {
            _device.Return(token, 0);
            _log!.Add(token);
        }

        if (end == DeviceEnd.None)
        {
            _log!.Publish(ref _device);
            return;
        }

        var ending = new EndingDeviceRing<TDevice>(_device, end);
        Assert.Throws<OperationCanceledException>(() => _log!.Publish(ref ending));
    }

    public override void Dispose()
    {
        _memory.Dispose();
        _buffers.Dispose();
        _pieces.Dispose();
        _table.Dispose();
    }

    private DeviceRingOptions OptionsAt(uint position) => new()
    {
        Descriptors = (nint)Descriptors,
        Driver = (nint)Driver,
        Device = (nint)Device,
        Size = _options.Size,
        Features = _options.Features,
        Position = position,
        Memory = _table,
        Pieces = (nint)_pieces.Address,
    };

    private BufferPiece[] PiecesOf(Taken buffer)
    {
        if (buffer.PieceCount == 1)
            return [new BufferPiece(GuestOf(buffer.Data), buffer.Length)];
        var pieces = new BufferPiece[buffer.PieceCount];
        for (int i = 0; i < pieces.Length; i++)
        {
            TakenPiece piece = ((TakenPiece*)_pieces.Address)[i];
            pieces[i] = new BufferPiece(GuestOf(piece.Data), piece.Length);
        }

        return pieces;
    }

    private ulong GuestOf(byte* host)
    {
        long offset = host - _buffers.Address;
        return offset < BuffersLength / 2 ? Border + (ulong)offset : Buffers + (ulong)offset - (BuffersLength / 2);
    }
}
