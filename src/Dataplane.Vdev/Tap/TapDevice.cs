using Dataplane.Linux;
using Dataplane.Vdev.Kernel;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tap;

/// <summary>
/// The descriptors of a tap interface, one per queue (linux/if_tun.h). The first one makes the interface, in the
/// network namespace of the thread that opens it; the interface goes when the last one is closed, unless somebody made
/// it to stay.
/// </summary>
internal sealed unsafe class TapDevice : IDisposable
{
    private const string Path = "/dev/net/tun";
    private readonly string _device;
    private readonly List<SafeFileHandle> _queues = [];

    /// <summary>Makes the interface, or attaches to one that stays and has several queues.</summary>
    public TapDevice(string device, string name)
    {
        _device = device;
        if (!InterfaceName.IsValid(name))
            throw new DataplaneException($"{device} cannot make the interface '{name}': {InterfaceName.Rule}");
        Name = name;
        AddQueue();
    }

    /// <summary>The interface's name, as the kernel completed it.</summary>
    public string Name { get; private set; }

    /// <summary>Opens or closes queues so that there are this many; never fewer than one.</summary>
    public void SetQueueCount(int count)
    {
        while (_queues.Count > Math.Max(1, count))
        {
            _queues[^1].Dispose();
            _queues.RemoveAt(_queues.Count - 1);
        }

        while (_queues.Count < count)
            AddQueue();
    }

    /// <summary>The descriptor of a queue, for the fast path; queues beyond those that exist share them.</summary>
    public int FdOf(int queue) => (int)_queues[queue % _queues.Count].DangerousGetHandle();

    public void Dispose() => _queues.ForEach(queue => queue.Dispose());

    private void AddQueue()
    {
        SafeFileHandle queue = Libc.Open(Path, Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_CLOEXEC);
        try
        {
            if (queue.IsInvalid)
                throw OpenFailure();
            var request = default(Ifreq);
            InterfaceName.Write(Name, ref request);
            request.Value.Flags = TunDevice.IFF_TAP | TunDevice.IFF_NO_PI | TunDevice.IFF_MULTI_QUEUE;
            if (Libc.Ioctl(queue, TunDevice.TUNSETIFF, &request) != 0)
                throw AttachFailure();
            Name = InterfaceName.Read(request);
            _queues.Add(queue);
        }
        catch
        {
            queue.Dispose();
            throw;
        }
    }

    private DataplaneException OpenFailure()
    {
        int errno = Errno.Last;
        return new DataplaneException(
            $"{_device} cannot open {Path}: {Errno.Describe(errno)}",
            errno is Errno.ENOENT or Errno.ENODEV or Errno.ENXIO
                ? $"modprobe tun, and give the container the device: hostPath: {{path: {Path}, type: CharDevice}}"
                : $"give the process read and write access to {Path}");
    }

    private DataplaneException AttachFailure()
    {
        DataplaneException failure = KernelErrors.Failed(_device, $"make the tap interface {Name}", "NET_ADMIN");
        return Errno.Last is Errno.EINVAL or Errno.EBUSY or Errno.EEXIST
            ? new DataplaneException(
                failure.Problem, $"an interface of that name is there already: choose another with iface=")
            : failure;
    }
}
