using Dataplane.Memory;

namespace Dataplane.Virtio;

/// <summary>The memory of a virtqueue: its ring and what belongs to it, which the device sees, and the driver's own.</summary>
/// <typeparam name="TRing">Split or packed.</typeparam>
internal sealed unsafe class VirtqueueMemory<TRing> : IDisposable
    where TRing : struct, IDriverRing<TRing>
{
    private readonly MemoryZone _zone;
    private readonly VirtqueueOptions _options;

    /// <param name="options">Size, features and where to allocate.</param>
    /// <param name="extra">Bytes behind the ring that the device reads too.</param>
    /// <exception cref="DataplaneException">There is not enough memory.</exception>
    public VirtqueueMemory(VirtqueueOptions options, int extra)
    {
        _options = options;
        Layout = TRing.Layout(options.Size);
        var length = (nuint)(Layout.Length + extra);
        _zone = options.Zone ?? options.Memory.Allocate(options.Name, length, options.NumaNode, contiguous: true);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _zone.Length);
        Slots = new DriverSlots(options.Size);
    }

    public VirtqueueLayout Layout { get; }

    public DriverSlots Slots { get; }

    /// <summary>Where the device finds the areas of the ring.</summary>
    public VirtqueueAddresses Addresses
    {
        get
        {
            ulong start = _options.AddressOf(_zone.Address);
            return new VirtqueueAddresses(start, start + (uint)Layout.DriverOffset, start + (uint)Layout.DeviceOffset);
        }
    }

    /// <summary>What lies behind the ring.</summary>
    public byte* Extra => _zone.Address + Layout.Length;

    /// <summary>Where the device finds <see cref="Extra"/>.</summary>
    public ulong ExtraAddress => _options.AddressOf(Extra);

    /// <summary>An empty ring; no device may use the memory yet.</summary>
    public TRing CreateRing() => TRing.Create(_zone.Address, Layout, Slots, _options.Features);

    public void Dispose()
    {
        if (_options.Zone is null)
            _zone.Dispose();
        Slots.Dispose();
    }
}
