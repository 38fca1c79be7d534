using Dataplane.Packets;
using Dataplane.Ports;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Kernel;

/// <summary>A port that is an existing interface of the kernel: its address, its MTU, its link are the interface's.</summary>
internal abstract class InterfacePort : Port
{
    private readonly SafeFileHandle _control;
    private readonly InterfaceMemberships _memberships;
    private readonly LinkWatcher _watcher;

    /// <summary>Made by a driver.</summary>
    /// <param name="context">What the runtime gives the driver.</param>
    /// <param name="capabilities">What the port can do.</param>
    /// <param name="iface">The interface; the port's from now on.</param>
    /// <param name="control">A packet socket that carries the port's memberships; the port's from now on.</param>
    protected InterfacePort(
        PortContext context, PortCapabilities capabilities, KernelInterface iface, SafeFileHandle control)
        : base(context, capabilities, iface.ReadMacAddress(), iface.ReadMtu())
    {
        Interface = iface;
        _control = control;
        Limit = new FrameLimit { Mtu = iface.ReadMtu() };
        _memberships = new InterfaceMemberships(Name, iface, control);
        _watcher = new LinkWatcher(Name, iface.Index, OnInterfaceChanged);
    }

    /// <summary>The interface.</summary>
    protected KernelInterface Interface { get; }

    /// <summary>The longest frame by the interface's MTU of the moment.</summary>
    protected FrameLimit Limit { get; }

    protected override void OnClose()
    {
        _watcher.Dispose();
        _control.Dispose();
        Interface.Dispose();
    }

    protected override LinkStatus ReadLink() => Interface.ReadLink();

    protected override void OnSetMacAddress(MacAddress address) => Interface.SetMacAddress(address);

    protected override void OnSetMtu(int mtu)
    {
        Interface.SetMtu(mtu);
        Limit.Mtu = mtu;
    }

    protected override void OnSetPromiscuous(bool enabled) => _memberships.SetPromiscuous(enabled);

    protected override void OnSetAllMulticast(bool enabled) => _memberships.SetAllMulticast(enabled);

    /// <summary>Says so at the start of a port whose interface nobody has set up.</summary>
    protected void WarnIfDown()
    {
        if (!Interface.IsUp)
        {
            Logger.LogWarning(
                "Port {Id} ({Name}) passes no packets until its interface is up: ip link set {Interface} up",
                Id,
                Name,
                Interface.Name);
        }
    }

    private void OnInterfaceChanged()
    {
        int mtu = Interface.ReadMtu();
        if (mtu != 0)
            Limit.Mtu = mtu;
        ReportLink(Interface.ReadLink());
    }
}
