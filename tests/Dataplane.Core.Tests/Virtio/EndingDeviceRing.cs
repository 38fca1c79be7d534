using Dataplane.Virtio;
using Taken = Dataplane.Virtio.DeviceBuffer;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>A ring whose process ends when it shows the driver what went back, or right after that.</summary>
internal unsafe struct EndingDeviceRing<TRing>(TRing ring, DeviceEnd end) : IDeviceRing<EndingDeviceRing<TRing>>
    where TRing : struct, IDeviceRing<TRing>
{
#pragma warning disable IDE0044 // Its methods change it.
    private TRing _ring = ring;
#pragma warning restore IDE0044

    public readonly uint Position => _ring.Position;

    public readonly uint UsedPosition => _ring.UsedPosition;

    public readonly RingViolation Violation => _ring.Violation;

    public static EndingDeviceRing<TRing> Create(DeviceRingOptions options) => new(TRing.Create(options), DeviceEnd.None);

    public int Take(Taken* into, int most, DescriptorFlags direction) => _ring.Take(into, most, direction);

    public void Untake(Taken* buffers, int count) => _ring.Untake(buffers, count);

    public void Return(uint token, uint written) => _ring.Return(token, written);

    public bool Publish()
    {
        if (end == DeviceEnd.AfterPublishing)
            _ring.Publish();
        throw new OperationCanceledException();
    }

    public bool TryRequestNotification() => _ring.TryRequestNotification();

    public void SuppressNotifications() => _ring.SuppressNotifications();
}
