using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Kernel;

/// <summary>
/// What an interface receives beyond its own frames, for as long as this object lives: it ends with the process, and
/// counts beside what others ask of the interface.
/// </summary>
internal sealed unsafe class InterfaceMemberships(string device, KernelInterface iface, SafeFileHandle packetSocket)
{
    private bool _promiscuous;
    private bool _allMulticast;

    /// <summary>Frames for any station.</summary>
    public void SetPromiscuous(bool enabled) => Set(ref _promiscuous, PacketSocket.PACKET_MR_PROMISC, enabled);

    /// <summary>All multicast frames.</summary>
    public void SetAllMulticast(bool enabled) => Set(ref _allMulticast, PacketSocket.PACKET_MR_ALLMULTI, enabled);

    private void Set(ref bool current, int type, bool enabled)
    {
        if (current == enabled)
            return;
        var membership = new PacketMreq { MrIfindex = iface.Index, MrType = (ushort)type };
        int option = enabled ? PacketSocket.PACKET_ADD_MEMBERSHIP : PacketSocket.PACKET_DROP_MEMBERSHIP;
        if (Libc.SetSockOpt(packetSocket, SocketNumbers.SOL_PACKET, option, &membership, (uint)sizeof(PacketMreq)) != 0)
            throw KernelErrors.Failed(device, $"change what {iface.Name} receives", "NET_RAW");
        current = enabled;
    }
}
