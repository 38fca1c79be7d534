using Dataplane.Linux;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Vhost;

/// <summary>
/// The memory in which is written down what we keep of a front end's buffers. It keeps the file, and brings it along to
/// whatever back end is next. By the control thread.
/// </summary>
internal sealed unsafe class VhostInflight : IDisposable
{
    private readonly PeerMemory _memory;
    private readonly int _queueSize;
    private readonly bool[] _hasStarted;

    private VhostInflight(PeerMemory memory, VhostUserInflight message)
    {
        _memory = memory;
        _queueSize = message.QueueSize;
        _hasStarted = new bool[message.QueueCount];
    }

    /// <summary>Whether the front end has cut the file short, and somebody touched what is gone.</summary>
    public bool IsLost => _memory.IsLost;

    /// <summary>Makes such memory.</summary>
    /// <param name="message">How many rings of what size; gets how long it is.</param>
    /// <param name="rings">Most rings.</param>
    /// <param name="file">For the front end; the caller's.</param>
    /// <exception cref="PeerViolationException">There are no such rings.</exception>
    /// <exception cref="DataplaneException">There is no memory.</exception>
    public static VhostInflight Create(ref VhostUserInflight message, int rings, out SafeFileHandle file)
    {
        Check(message, rings);

        // Which rings there will be may not be known yet: what is said of packed ones is longer.
        message.MmapSize = (ulong)InflightLog.LengthOf(message.QueueSize, isPacked: true) * message.QueueCount;
        message.MmapOffset = 0;
        file = Libc.MemfdCreate("vhost-inflight", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
        try
        {
            if (file.IsInvalid || Libc.Ftruncate(file, (long)message.MmapSize) != 0 || Libc.Fcntl(file, Libc.F_ADD_SEALS, Libc.F_SEAL_SHRINK) != 0)
                throw new DataplaneException($"There is no memory for the buffers in flight of a front end: {Errno.DescribeLast()}");
            return new VhostInflight(Map(message, file), message);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Takes the memory that a front end brings along.</summary>
    /// <param name="message">Of the front end.</param>
    /// <param name="rings">Most rings.</param>
    /// <param name="file">What came with it; closed.</param>
    /// <exception cref="PeerViolationException">It is none.</exception>
    public static VhostInflight Open(VhostUserInflight message, int rings, SafeFileHandle file)
    {
        using (file)
        {
            Check(message, rings);
            if (message.MmapOffset % sizeof(ulong) != 0)
                throw new PeerViolationException($"sent memory for buffers in flight at offset {message.MmapOffset}, which is not aligned");
            return new VhostInflight(Map(message, file), message);
        }
    }

    /// <summary>Gives back what a back end before this one kept of a ring, and writes down what is kept from now on.</summary>
    /// <param name="index">Of the ring.</param>
    /// <param name="ring">The ring; gets where it stands.</param>
    /// <param name="call">What the guest is notified by; null if it polls.</param>
    /// <returns>Null if there is no memory for this ring.</returns>
    /// <exception cref="PeerViolationException">The ring does not fit into the memory.</exception>
    public InflightLog? Start(int index, ref DeviceRingOptions ring, EventFd? call)
    {
        if (index >= _hasStarted.Length)
            return null;
        bool isPacked = (ring.Features & VirtioFeatures.RingPacked) != 0;
        uint length = (uint)InflightLog.LengthOf(_queueSize, isPacked);
        if (ring.Size > _queueSize || ((ulong)index + 1) * length > _memory.Length)
        {
            throw new PeerViolationException(
                $"gave ring {index} a size of {ring.Size}, where the memory for buffers in flight has {_memory.Length} bytes for {_hasStarted.Length} rings of {_queueSize}");
        }

        var log = InflightLog.Create((nint)_memory.Address + (nint)(index * length), _queueSize, ring);
        if (_hasStarted[index])
        {
            // It was stopped meanwhile, and the front end says where it goes on.
            log.Clear(ring.Position);
            return log;
        }

        _hasStarted[index] = true;
        uint position = isPacked
            ? log.Recover<PackedDeviceRing>(out bool notify)
            : log.Recover<SplitDeviceRing>(out notify);
        ring = ring with { Position = position };
        if (notify)
            call?.Signal();
        return log;
    }

    public void Dispose() => _memory.Release();

    private static PeerMemory Map(VhostUserInflight message, SafeFileHandle file) =>
        PeerMemory.Map(file, message.MmapOffset, message.MmapSize, "memory for buffers in flight");

    private static void Check(VhostUserInflight message, int rings)
    {
        if (message.QueueCount == 0 || message.QueueCount > rings)
            throw new PeerViolationException($"asks for the buffers in flight of {message.QueueCount} rings, where there are {rings}");
        if (message.QueueSize == 0 || message.QueueSize > VirtqueueLayout.MaxSize)
            throw new PeerViolationException($"asks for the buffers in flight of rings of {message.QueueSize}, where they have 1 to {VirtqueueLayout.MaxSize}");
    }
}
