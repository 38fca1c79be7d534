namespace Dataplane.Virtio;

/// <summary>
/// Feature bits, by the names of the virtio 1.2 specification without <c>VIRTIO_</c> and <c>_F_</c>: those of the network
/// device (section 5.1.3), those of the ring and the transport (section 6).
/// </summary>
[Flags]
internal enum VirtioFeatures : ulong
{
    None = 0,

    /// <summary>The device finishes checksums of what we send.</summary>
    NetCsum = 1UL << 0,

    /// <summary>We take frames whose checksums are not finished, and are told which are known to be right.</summary>
    NetGuestCsum = 1UL << 1,

    /// <summary>The device says which MTU it can.</summary>
    NetMtu = 1UL << 3,

    /// <summary>The device has a MAC address.</summary>
    NetMac = 1UL << 5,

    /// <summary>A received frame may span several buffers.</summary>
    NetMrgRxbuf = 1UL << 15,

    /// <summary>The device says whether its link is up.</summary>
    NetStatus = 1UL << 16,

    /// <summary>There is a control queue.</summary>
    NetCtrlVq = 1UL << 17,

    /// <summary>The control queue can switch promiscuous and all-multicast reception.</summary>
    NetCtrlRx = 1UL << 18,

    /// <summary>There are several pairs of queues.</summary>
    NetMq = 1UL << 22,

    /// <summary>The control queue can set the MAC address.</summary>
    NetCtrlMacAddr = 1UL << 23,

    /// <summary>Of devices from before version 1: a header need not have a descriptor of its own.</summary>
    AnyLayout = 1UL << 27,

    /// <summary>A descriptor may refer to a table of descriptors.</summary>
    RingIndirectDesc = 1UL << 28,

    /// <summary>Notifications are asked for at a place in the ring instead of by a flag.</summary>
    RingEventIdx = 1UL << 29,

    /// <summary>vhost-user: protocol features follow. No device on a bus offers it.</summary>
    UserProtocolFeatures = 1UL << 30,

    /// <summary>The device follows version 1 of the specification.</summary>
    Version1 = 1UL << 32,

    /// <summary>The device reaches memory as other devices of the platform do, through the IOMMU where there is one.</summary>
    AccessPlatform = 1UL << 33,

    /// <summary>Queues have the packed layout.</summary>
    RingPacked = 1UL << 34,

    /// <summary>The device uses buffers in the order in which it was given them.</summary>
    InOrder = 1UL << 35,

    /// <summary>The device orders memory as hardware does: barriers between CPUs are not enough.</summary>
    OrderPlatform = 1UL << 36,

    /// <summary>A notification says where the ring stands.</summary>
    NotificationData = 1UL << 38,

    /// <summary>The control queue can set how frames are spread over the receive queues.</summary>
    NetRss = 1UL << 60,

    /// <summary>The device says how fast its link is.</summary>
    NetSpeedDuplex = 1UL << 63,
}
