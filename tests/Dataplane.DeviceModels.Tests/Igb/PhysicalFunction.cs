using Dataplane.DeviceModels.Tests.Qtest;
using Dataplane.Packets;
using Dataplane.Vfio.Nics.Igb;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.DeviceModels.Tests.Igb;

/// <summary>
/// Plays the driver of the host's PF for one VF, through the PF's registers: virtualisation on, mailbox served by a thread
/// (82576 data sheet 7.10.2 and 8.14). It grants everything but what a test forbids.
/// </summary>
internal sealed class PhysicalFunction : IDisposable
{
    private const int Vmbmem = 0x0800;
    private const int P2vMailbox = 0x0C00;
    private const int Mbvficr = 0x0C80;
    private const int Vfre = 0x0C8C;
    private const int Vfte = 0x0C90;
    private const int Vmolr = 0x5AD0;
    private const uint MailboxSend = 1;
    private const uint MailboxReceived = 2;
    private const uint MailboxOwned = 8;
    private const uint AcceptUntagged = 1u << 24;
    private const uint AcceptGroups = 1u << 25;
    private const uint AcceptStations = 1u << 26;
    private const uint AcceptBroadcast = 1u << 27;
    private const uint StripCrc = 1u << 31;
    private const uint AcceptLong = 1u << 16;
    private const uint ClearToSend = 1u << 29;
    private const uint Nack = 1u << 30;
    private const uint Ack = 1u << 31;
    private const uint AddressOfPool0 = 1u << 18;

    private readonly QtestFunction _function;
    private readonly QtestRegisters _registers;
    private readonly Thread _thread;
    private readonly Lock _gate = new();
    private readonly MacAddress _address;
    private volatile bool _stopping;
    private volatile bool _isSilent;
    private uint _pool = StripCrc | AcceptBroadcast | AcceptUntagged;

    public PhysicalFunction(QtestFunction function, MacAddress address)
    {
        _function = function;
        _registers = function.OpenBar(0);
        _address = address;
        SetUp();
        _thread = new Thread(Serve);
        _thread.Start();
    }

    /// <summary>Refuses all frames for other stations, as Linux' PF driver does.</summary>
    public bool RefusesPromiscuous { get; set; }

    /// <summary>Refuses other addresses, as for a VF whose address the administrator has set.</summary>
    public bool RefusesAddresses { get; set; }

    /// <summary>The kinds of requests that came.</summary>
    public List<uint> Requests { get; } = [];

    /// <summary>Does not look at its mailbox any more, as a PF whose interface is down.</summary>
    public bool IsSilent
    {
        get => _isSilent;
        set => _isSilent = value;
    }

    /// <summary>Resets the device with all its VFs and sets it up again, as after a hang.</summary>
    public void Reset()
    {
        lock (_gate)
            SetUp();
    }

    public void Dispose()
    {
        _stopping = true;
        _thread.Join();
        _function.SetBusMaster(false);
    }

    private void SetUp()
    {
        var hardware = new IgbHardware<QtestRegisters>(_registers, Vfio.Nics.Igb.IgbModel.I82576, _function.Name);
        hardware.Reset();
        _function.SetBusMaster(true);
        // VMDq without a default pool, replication on.
        _registers.Write32(GigabitRegisters.Mrqc, 3);
        _registers.Write32(IgbRegisters.VtCtl, (1u << 29) | (1u << 30));
        _registers.Write32(GigabitRegisters.Rxcsum, GigabitRegisters.RxcsumIp | GigabitRegisters.RxcsumL4 | GigabitRegisters.RxcsumRssHash);
        _registers.Write32(IgbRegisters.Gpie, IgbRegisters.GpieMsiX);
        SetHashTable(GigabitRegisters.Mta, uint.MaxValue);
        _registers.Write32(GigabitRegisters.Tctl, _registers.Read32(GigabitRegisters.Tctl) | GigabitRegisters.TctlEnable);
        _registers.Write32(IgbRegisters.Rlpml, 0x3FFF);
        _registers.Write32(
            GigabitRegisters.Rctl,
            GigabitRegisters.RctlEnable | GigabitRegisters.RctlBroadcast | GigabitRegisters.RctlStripCrc | GigabitRegisters.RctlLongPackets);
        // PF_RST_DONE
        _registers.Write32(GigabitRegisters.CtrlExt, _registers.Read32(GigabitRegisters.CtrlExt) | (1u << 14));
    }

    private void Serve()
    {
        while (!_stopping)
        {
            lock (_gate)
            {
                if (!_isSilent && (_registers.Read32(Mbvficr) & 1) != 0)
                    Answer();
            }

            Thread.Sleep(1);
        }
    }

    private void Answer()
    {
        _registers.Write32(Mbvficr, 1);
        var message = new uint[3];
        _registers.Write32(P2vMailbox, MailboxOwned);
        for (int i = 0; i < message.Length; i++)
            message[i] = _registers.Read32(Vmbmem + (4 * i));
        _registers.Write32(P2vMailbox, MailboxReceived);
        Requests.Add(message[0] & ushort.MaxValue);
        message[0] |= Handle(message) ? Ack : Nack;
        _registers.Write32(P2vMailbox, MailboxOwned);
        for (int i = 0; i < message.Length; i++)
            _registers.Write32(Vmbmem + (4 * i), message[i]);
        _registers.Write32(P2vMailbox, MailboxSend);
    }

    private bool Handle(uint[] message)
    {
        switch (message[0] & ushort.MaxValue)
        {
            case 1:
                SetPool(StripCrc | AcceptBroadcast | AcceptUntagged);
                _registers.Write32(Vfre, 1);
                _registers.Write32(Vfte, 1);
                message[1] = (uint)_address.Wire;
                message[2] = (uint)(_address.Wire >> 32);
                if (_address.IsZero)
                    return false;
                SetAddress(_address);
                return true;
            case 2 when !RefusesAddresses:
                SetAddress(new MacAddress(message[1] | ((ulong)message[2] << 32)));
                break;
            case 5:
                SetPool((_pool & ~0x3FFFu) | AcceptLong | message[1]);
                break;
            case 6 when !RefusesPromiscuous || (message[0] & (4u << 16)) == 0:
                // QEMU's igb looks at the bit for groups only; so the table for stations is full or empty.
                SetHashTable(IgbRegisters.Uta, (message[0] & (4u << 16)) != 0 ? uint.MaxValue : 0);
                SetPool((_pool & ~(AcceptStations | AcceptGroups))
                    | ((message[0] & (4u << 16)) != 0 ? AcceptStations : 0)
                    | ((message[0] & (2u << 16)) != 0 ? AcceptGroups : 0));
                break;
            default:
                return false;
        }

        message[0] |= ClearToSend;
        return true;
    }

    private void SetAddress(MacAddress address) =>
        ReceiveAddress.Write(_registers, GigabitRegisters.Ral0, 1, address, AddressOfPool0);

    private void SetHashTable(int table, uint value)
    {
        for (int i = 0; i < 128; i++)
            _registers.Write32(table + (4 * i), value);
    }

    private void SetPool(uint value) => _registers.Write32(Vmolr, _pool = value);
}
