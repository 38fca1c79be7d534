using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Igb.IgbVfRegisters;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>What is done to a VF's registers, outside of the queues' own, and what it asks its PF for.</summary>
internal sealed class IgbVfHardware<TRegisters>
    where TRegisters : struct, IRegisterSpace
{
    private const uint AllCauses = uint.MaxValue;

    /// <summary>Ethernet header, a VLAN tag and FCS.</summary>
    private const int FrameOverhead = 14 + 4 + 4;

    private readonly TRegisters _registers;
    private readonly string _device;
    private readonly VfMailbox<TRegisters> _mailbox;
    private readonly IgbVfRequests<TRegisters> _requests;
    private bool _isCutOff = true;

    public IgbVfHardware(TRegisters registers, string device)
    {
        _registers = registers;
        _device = device;
        _mailbox = new VfMailbox<TRegisters>(registers, V2pMailbox, Vmbmem);
        _requests = new IgbVfRequests<TRegisters>(_mailbox, device);
    }

    /// <summary>Resets the VF; its PF gives it queues and an address.</summary>
    /// <returns>The address; zero if it has none.</returns>
    /// <exception cref="DataplaneException">VF or PF does not answer.</exception>
    public MacAddress Reset()
    {
        if (_registers.Read32(Vtstatus) == uint.MaxValue)
            throw RegisterWait.NoAnswer(_device);
        StopDevice();
        if (!_mailbox.WaitForPf(TimeSpan.FromSeconds(2)))
            throw new DataplaneException($"{_device}: the PF is in reset", "see that a driver serves the PF and its interface is up");
        MacAddress address = _requests.AnnounceReset();
        _isCutOff = false;
        return address;
    }

    /// <summary>Resets the queues and interrupts of the VF, which reaches no memory then, and leaves the PF out of it.</summary>
    public void StopDevice()
    {
        DisableInterrupts();
        _isCutOff = true;
        _registers.Write32(Vtctrl, _registers.Read32(Vtctrl) | GigabitRegisters.CtrlReset);
        // The PF is told by an interrupt of its own; the VF's registers do not answer for a moment.
        Thread.Sleep(1);
    }

    /// <summary>Sets the address that it receives for.</summary>
    /// <exception cref="DataplaneException">The PF refuses or does not answer.</exception>
    public void SetMacAddress(MacAddress address) => _requests.RequestAddress(address);

    /// <summary>Sets the longest payload that is received.</summary>
    /// <exception cref="DataplaneException">The PF refuses or does not answer.</exception>
    public void SetMtu(int mtu) => _requests.RequestLongestFrame(mtu + FrameOverhead);

    /// <summary>Asks for frames to any station or any group.</summary>
    /// <returns>False if the PF grants less.</returns>
    /// <exception cref="DataplaneException">The PF does not answer.</exception>
    public bool TrySetPromiscuous(bool promiscuous, bool allMulticast)
    {
        if (_requests.TryRequestPromiscuous(promiscuous, promiscuous || allMulticast))
            return true;
        // Linux' PF driver grants multicast only.
        if (promiscuous)
            _ = _requests.TryRequestPromiscuous(unicast: false, multicast: true);
        return false;
    }

    /// <summary>Routes the mailbox's interrupt to vector 0, those of rx queues to 1 and on, and lets the first come.</summary>
    public void EnableInterrupts(int rxVectors)
    {
        uint routes = 0;
        for (int queue = 0; queue < rxVectors; queue++)
            routes |= (IgbRegisters.IvarValid | (uint)(queue + 1)) << (16 * queue);
        for (int vector = 0; vector <= rxVectors; vector++)
            _registers.Write32(Vteitr0 + (vector * sizeof(uint)), 0);
        _registers.Write32(Vtivar, routes);
        _registers.Write32(VtivarMisc, IgbRegisters.IvarValid);
        _registers.Write32(Vteiac, (2u << rxVectors) - 1);
        _registers.Write32(Vteims, 1);
    }

    /// <summary>Silences the VF.</summary>
    public void DisableInterrupts()
    {
        _registers.Write32(Vteimc, AllCauses);
        _ = _registers.Read32(Vteicr);
    }

    /// <summary>Asks for the link. It is down for good, until the next reset, if the PF has forgotten the VF.</summary>
    public LinkStatus ReadLink()
    {
        if (_mailbox.TakePfReset())
            _isCutOff = true;
        Span<uint> notice = [0];
        if (_mailbox.TryTakeNotice(notice) && (notice[0] & VfMailbox<TRegisters>.ClearToSend) == 0)
            _isCutOff = true;
        return _isCutOff ? LinkStatus.Down : GigabitLink.Decode(_registers.Read32(Vtstatus));
    }

    /// <summary>Whether the PF does not know the VF: it, or the VF, was reset and has not told the PF yet.</summary>
    public bool IsCutOff => _isCutOff;
}
