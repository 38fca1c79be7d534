namespace Dataplane.Vdev.VhostUser;

/// <summary>
/// What a front end asks of a back end, by the names and numbers of the vhost-user specification ("Front-end message types").
/// </summary>
internal enum VhostUserRequest : uint
{
    None = 0,

    /// <summary>Reply: u64, the device's <see cref="Virtio.VirtioFeatures"/>.</summary>
    GetFeatures = 1,

    /// <summary>u64: what the driver chose.</summary>
    SetFeatures = 2,

    /// <summary>The start of a session.</summary>
    SetOwner = 3,

    /// <summary>Deprecated: the end of one.</summary>
    ResetOwner = 4,

    /// <summary><see cref="VhostUserMemory"/> and a file per region.</summary>
    SetMemTable = 5,

    /// <summary>A file; of live migration.</summary>
    SetLogBase = 6,

    /// <summary>An eventfd; of live migration.</summary>
    SetLogFd = 7,

    /// <summary><see cref="VhostUserVringState"/>: descriptors of a ring.</summary>
    SetVringNum = 8,

    /// <summary><see cref="VhostUserVringAddress"/>.</summary>
    SetVringAddr = 9,

    /// <summary><see cref="VhostUserVringState"/>: where the ring stands.</summary>
    SetVringBase = 10,

    /// <summary><see cref="VhostUserVringState"/>: stops the ring. Reply: the same, where it stands.</summary>
    GetVringBase = 11,

    /// <summary><see cref="VhostUserVringFile"/> and an eventfd: buffers are available.</summary>
    SetVringKick = 12,

    /// <summary><see cref="VhostUserVringFile"/> and an eventfd: buffers were used.</summary>
    SetVringCall = 13,

    /// <summary><see cref="VhostUserVringFile"/> and an eventfd: the ring is broken.</summary>
    SetVringErr = 14,

    /// <summary>Reply: u64, the back end's <see cref="VhostUserProtocolFeatures"/>.</summary>
    GetProtocolFeatures = 15,

    /// <summary>u64: what the front end chose.</summary>
    SetProtocolFeatures = 16,

    /// <summary>Reply: u64, most rings in pairs.</summary>
    GetQueueNum = 17,

    /// <summary><see cref="VhostUserVringState"/>: 1 or 0.</summary>
    SetVringEnable = 18,

    /// <summary>u64 with a MAC address: a guest has moved here and wants to be announced.</summary>
    SendRarp = 19,

    /// <summary>u64: the MTU.</summary>
    NetSetMtu = 20,

    /// <summary>A socket for requests of the back end.</summary>
    SetBackendReqFd = 21,

    /// <summary><see cref="VhostUserConfig"/> and room. Reply: the same and that part of the configuration, or nothing.</summary>
    GetConfig = 24,

    /// <summary><see cref="VhostUserConfig"/> and a part of the configuration.</summary>
    SetConfig = 25,

    /// <summary><see cref="VhostUserInflight"/>. Reply: the same and a file.</summary>
    GetInflightFd = 31,

    /// <summary><see cref="VhostUserInflight"/> and the file, at a reconnection.</summary>
    SetInflightFd = 32,

    /// <summary>Reply: u64, most regions of memory.</summary>
    GetMaxMemSlots = 36,

    /// <summary><see cref="VhostUserSingleMemoryRegion"/> and its file.</summary>
    AddMemReg = 37,

    /// <summary><see cref="VhostUserSingleMemoryRegion"/>.</summary>
    RemMemReg = 38,

    /// <summary>u64: the device status (virtio 1.2, section 2.1).</summary>
    SetStatus = 39,

    /// <summary>Reply: u64.</summary>
    GetStatus = 40,
}
