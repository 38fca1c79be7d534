using Dataplane.Packets;
using Dataplane.Vdev.Kernel;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tap;

/// <summary>
/// An interface whose traffic goes through a tap: what arrives there is sent out of the tap, so that the port receives
/// it, and what the port sends leaves through it. The tap takes its address and its MTU.
/// </summary>
internal sealed class TapRemote : IDisposable
{
    private readonly KernelInterface _remote;
    private readonly SafeFileHandle _socket;
    private readonly InterfaceMemberships _memberships;
    private readonly TrafficRedirect _inbound;
    private readonly TrafficRedirect _outbound;

    public TapRemote(string device, string name, KernelInterface tap)
    {
        using var construction = new Construction();
        _remote = construction.Own(new KernelInterface(device, name));
        _socket = construction.Own(PacketSockets.Open(device));
        _memberships = new InterfaceMemberships(device, _remote, _socket);
        MacAddress address = _remote.ReadMacAddress();
        tap.SetMacAddress(address);
        tap.SetMtu(_remote.ReadMtu());
        _inbound = construction.Own(new TrafficRedirect(device, _remote, tap));
        _outbound = construction.Own(new TrafficRedirect(device, tap, _remote));
        _inbound.Add(TrafficRedirect.Rule.Address, address);
        _inbound.Add(TrafficRedirect.Rule.Broadcast);
        _inbound.Add(TrafficRedirect.Rule.Ipv6Multicast);
        _outbound.Add(TrafficRedirect.Rule.Everything);
        construction.Complete();
    }

    public void SetMacAddress(MacAddress address)
    {
        _remote.SetMacAddress(address);
        _inbound.Remove(TrafficRedirect.Rule.Address);
        _inbound.Add(TrafficRedirect.Rule.Address, address);
    }

    public void SetMtu(int mtu) => _remote.SetMtu(mtu);

    public void SetPromiscuous(bool enabled)
    {
        _memberships.SetPromiscuous(enabled);
        Redirect(TrafficRedirect.Rule.Everything, enabled);
    }

    public void SetAllMulticast(bool enabled)
    {
        _memberships.SetAllMulticast(enabled);
        Redirect(TrafficRedirect.Rule.Multicast, enabled);
    }

    public void Dispose()
    {
        _outbound.Dispose();
        _inbound.Dispose();
        _socket.Dispose();
        _remote.Dispose();
    }

    private void Redirect(TrafficRedirect.Rule rule, bool enabled)
    {
        _inbound.Remove(rule);
        if (enabled)
            _inbound.Add(rule);
    }
}
