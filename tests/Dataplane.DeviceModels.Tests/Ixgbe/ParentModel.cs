using Dataplane.Packets;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>
/// The driver of the physical function, as Linux' ixgbe answers a virtual function (drivers/net/ethernet/intel/ixgbe/ixgbe_mbx.h
/// and what its messages do).
/// </summary>
internal sealed class ParentModel
{
    private const uint Success = 1u << 31, Failure = 1u << 30, ClearToSend = 1u << 29;
    private const uint Reset = 1, SetMac = 2, SetMulticast = 3, SetVlan = 4, SetLpe = 5, Negotiate = 8, GetQueues = 9, UpdateMode = 0xC;
    private const uint ControlMessage = 0x100;
    private const uint Multicast = 1, AllMulticast = 2, Promiscuous = 3;
    private const uint Version10 = 0, Version12 = 3;
    private const int MaxFrame = 9728;

    private MacAddress _address;
    private uint _version;
    private uint _mode;
    private bool _acceptsBroadcast = true;

    /// <summary>Whether its interface is up.</summary>
    public bool IsUp { get; set; } = true;

    /// <summary>The address that the administrator gave the function; zero if none.</summary>
    public MacAddress Assigned { get; set; }

    /// <summary>Whether the administrator trusts the function.</summary>
    public bool IsTrusted { get; set; }

    /// <summary>Whether the hardware can let a function receive everything.</summary>
    public bool CanGrantPromiscuous { get; init; }

    /// <summary>The best version of the interface that it knows, by its number in the message.</summary>
    public uint BestVersion { get; set; } = 4;

    /// <summary>Queues of each direction that the function has.</summary>
    public int Queues { get; set; } = 1;

    /// <summary>The longest frame that it lets the function have.</summary>
    public int MostFrame { get; set; } = MaxFrame;

    /// <summary>Whether the function may ask for things, because it reported itself.</summary>
    public bool IsClearToSend { get; private set; }

    /// <summary>Whether it knows how long the function's frames are.</summary>
    public bool IsFrameLengthSet { get; private set; }

    /// <summary>What was asked for, in order.</summary>
    public List<uint> Requests { get; } = [];

    /// <summary>What it says when the link changes.</summary>
    public uint Notice => ControlMessage | (IsClearToSend ? ClearToSend : 0);

    /// <summary>The function, or the physical function, was reset.</summary>
    public void Forget()
    {
        IsClearToSend = false;
        IsFrameLengthSet = false;
        _mode = 0;
        _acceptsBroadcast = true;
        _version = Version10;
        _address = default;
    }

    /// <summary>Whether the function gets a frame.</summary>
    public bool Accepts(byte[] frame)
    {
        if (!IsClearToSend)
            return false;
        var destination = new MacAddress(frame.AsSpan(0, 6));
        if (destination.Wire == 0xFFFF_FFFF_FFFF)
            return _acceptsBroadcast;
        return destination.IsMulticast ? _mode >= AllMulticast : destination == _address || _mode == Promiscuous;
    }

    /// <summary>Answers a request.</summary>
    public uint[] Answer(uint[] message)
    {
        uint kind = message[0] & 0xFFFF;
        Requests.Add(kind);
        if (kind == Reset)
        {
            Forget();
            IsClearToSend = true;
            _address = Assigned;
            bool isAssigned = !Assigned.IsZero;
            return [Reset | (isAssigned ? Success : Failure), (uint)Assigned.Wire, (uint)(Assigned.Wire >> 32), 0];
        }

        if (!IsClearToSend)
            return [message[0] | Failure];
        bool isDone = kind switch
        {
            SetMac => TrySetMac(new MacAddress(message[1] | ((ulong)message[2] << 32))),
            SetMulticast or SetVlan => true,
            SetLpe => IsFrameLengthSet = message[1] is >= 68 && message[1] <= MostFrame,
            Negotiate => TryNegotiate(message[1]),
            GetQueues => TryCountQueues(message),
            UpdateMode => TryUpdateMode(message),
            _ => false,
        };
        message[0] |= ClearToSend | (isDone ? Success : Failure);
        return message;
    }

    private bool TrySetMac(MacAddress address)
    {
        if (!address.IsUnicast || (!Assigned.IsZero && !IsTrusted && address != Assigned))
            return false;
        _address = address;
        return true;
    }

    private bool TryNegotiate(uint version)
    {
        const uint Solaris = 1;
        if (version == Solaris || version > BestVersion)
            return false;
        _version = version;
        return true;
    }

    private bool TryCountQueues(uint[] message)
    {
        message[1] = (uint)Queues;
        message[2] = (uint)Queues;
        return _version != Version10;
    }

    private bool TryUpdateMode(uint[] message)
    {
        if (_version < Version12)
            return false;
        uint mode = message[1];
        if (mode > Multicast && !IsTrusted)
            mode = Multicast;
        if (mode == Promiscuous && (!CanGrantPromiscuous || _version == Version12))
            return false;
        message[1] = _mode = mode;
        // So up to Linux 5.17: mode 0 means not even broadcasts.
        _acceptsBroadcast = mode != 0;
        return true;
    }
}
