using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Kernel;

/// <summary>
/// Tells when the kernel reports a change of an interface (state, MTU, removal): a thread that sleeps on a netlink
/// socket in the network namespace of the thread that made it.
/// </summary>
internal sealed unsafe class LinkWatcher : IDisposable
{
    private readonly int _index;
    private readonly Action _changed;
    private readonly SafeFileHandle _netlink;
    private readonly EventFd _stop;
    private readonly Thread _thread;

    /// <summary>Starts to watch.</summary>
    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="index">The kernel's number of the interface.</param>
    /// <param name="changed">Called on the watcher's thread.</param>
    public LinkWatcher(string device, int index, Action changed)
    {
        _index = index;
        _changed = changed;
        _netlink = OpenSocket(device);
        try
        {
            _stop = new EventFd();
        }
        catch
        {
            _netlink.Dispose();
            throw;
        }

        _thread = new Thread(Watch, maxStackSize: 256 << 10) { IsBackground = true, Name = $"link {device}" };
        _thread.Start();
    }

    public void Dispose()
    {
        _stop.Signal();
        // The callback may itself dispose the port; a thread does not wait for itself.
        if (Thread.CurrentThread != _thread)
            _thread.Join();
        _netlink.Dispose();
        _stop.Dispose();
    }

    private static SafeFileHandle OpenSocket(string device)
    {
        const int Type = SocketNumbers.SOCK_RAW | SocketNumbers.SOCK_CLOEXEC | SocketNumbers.SOCK_NONBLOCK;
        SafeFileHandle socket = Libc.Socket(SocketNumbers.AF_NETLINK, Type, Netlink.NETLINK_ROUTE);
        var address = new SockaddrNl { NlFamily = SocketNumbers.AF_NETLINK, NlGroups = Netlink.RTMGRP_LINK };
        if (!socket.IsInvalid && Libc.Bind(socket, &address, (uint)sizeof(SockaddrNl)) == 0)
            return socket;
        DataplaneException failure = KernelErrors.Failed(device, "listen for link changes by netlink", "NET_ADMIN");
        socket.Dispose();
        throw failure;
    }

    private void Watch()
    {
        int netlink = (int)_netlink.DangerousGetHandle();
        PollDescriptor* waits = stackalloc PollDescriptor[2];
        waits[0] = new PollDescriptor { Fd = netlink, Events = Libc.POLLIN };
        waits[1] = new PollDescriptor { Fd = (int)_stop.Handle.DangerousGetHandle(), Events = Libc.POLLIN };
        byte[] buffer = GC.AllocateArray<byte>(32 << 10, pinned: true);
        while (true)
        {
            int ready = Libc.Poll(waits, 2, timeoutMilliseconds: -1);
            if (waits[1].Returned != 0)
                return;
            if (ready > 0 && Drain(netlink, buffer))
                _changed();
        }
    }

    /// <summary>Reads what has come; true if it concerns the interface, or if some of it was lost.</summary>
    private bool Drain(int netlink, byte[] buffer)
    {
        bool concerned = false;
        fixed (byte* start = buffer)
        {
            nint length;
            while ((length = Libc.Recv(netlink, start, (nuint)buffer.Length, 0)) > 0)
                concerned |= Concerns(start, (int)length);
        }

        return concerned || Errno.Last == Errno.ENOBUFS;
    }

    private bool Concerns(byte* messages, int length)
    {
        int offset = 0;
        while (length - offset >= sizeof(NetlinkHeader))
        {
            var header = (NetlinkHeader*)(messages + offset);
            if (header->Length < sizeof(NetlinkHeader) || header->Length > length - offset)
                break;
            bool isLink = header->Type is Netlink.RTM_NEWLINK or Netlink.RTM_DELLINK
                && header->Length >= sizeof(NetlinkHeader) + sizeof(LinkMessage);
            if (isLink && ((LinkMessage*)(header + 1))->Index == _index)
                return true;
            offset += (int)((header->Length + 3) & ~3u);
        }

        return false;
    }
}
