namespace Dataplane.Vdev.VhostUser;

/// <summary>Extensions of the protocol, as vhost-user numbers them (VHOST_USER_PROTOCOL_F_...).</summary>
[Flags]
internal enum VhostUserProtocolFeatures : ulong
{
    None = 0,

    /// <summary>The back end says how many queues it has.</summary>
    Mq = 1UL << 0,

    /// <summary>Dirty pages are logged in a file.</summary>
    LogShmfd = 1UL << 1,

    /// <summary>The back end announces a guest that has moved.</summary>
    Rarp = 1UL << 2,

    /// <summary>Any request may ask for an answer: 0, or not.</summary>
    ReplyAck = 1UL << 3,

    /// <summary>The front end says the MTU.</summary>
    NetMtu = 1UL << 4,

    /// <summary>The back end has requests, on a socket of its own.</summary>
    BackendReq = 1UL << 5,

    /// <summary>The back end has the device's configuration.</summary>
    Config = 1UL << 9,

    /// <summary>The back end's requests may carry files.</summary>
    BackendSendFd = 1UL << 10,

    /// <summary>Doorbells may be mapped.</summary>
    HostNotifier = 1UL << 11,

    /// <summary>Buffers in flight are written down in memory that outlives the back end.</summary>
    InflightShmfd = 1UL << 12,

    /// <summary>Regions of memory come and go one by one.</summary>
    ConfigureMemSlots = 1UL << 15,

    /// <summary>The device status is passed on.</summary>
    Status = 1UL << 16,
}
