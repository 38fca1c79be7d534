using Dataplane.Packets;
using Dataplane.Vfio.Nics.Ixgbe;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>The model refuses what the data sheet forbids: without that, passing it would mean nothing.</summary>
public sealed class IxgbeModelTests
{
    private const int Ctrl = 0x0, Rxctrl = 0x3000, Dmatxctl = 0x4A80, Mtqc = 0x8120, Fctrl = 0x5080, SecRxCtrl = 0x8D00, SecRxStat = 0x8D04;
    private const int Rdbal = 0x1000, Rdlen = 0x1008, Srrctl = 0x1014, Rdt = 0x1018, Rxdctl = 0x1028, Dca = 0x100C, Status = 0x8;
    private const int Tdt = 0x6018, Txdctl = 0x6028, Autoc = 0x42A0, Gprc = 0x4074, Eims = 0x880, SwFwSync = 0x10160;
    private const uint Enable = 1u << 25;

    public static TheoryData<string, (int Offset, uint Value)[]> Forbidden => new()
    {
        { "8.2.2: write of 0x1 to 0x10", [(0x10, 1)] },
        { "8.2.3.1.1: reserved bits", [(Ctrl, 1u << 20)] },
        { "8.2.3.1.2: STATUS cannot be written", [(Status, 0)] },
        { "4.2.1.6.1: reset without master disable", [(Ctrl, 1u << 26)] },
        { "4.6.7: queue enabled before RDBAL", [(Srrctl, (1u << 25) | 2), (Rxdctl, Enable)] },
        { "4.6.7, 4.6.8: queue enabled before RDBAL", [(Rxdctl, Enable)] },
        { "4.6.7: RDT[0] bumped before RXDCTL[0].ENABLE", [(Rdt, 5)] },
        { "4.6.8: TDT[0] written before TXDCTL[0].ENABLE", [(Tdt, 5)] },
        { "4.6.8: TXDCTL[0].ENABLE set before DMATXCTL.TE", [(Txdctl, Enable)] },
        { "4.6.7: RXCTRL.RXEN changed without SECRXSTAT.SECRX_RDY", [(Rxctrl, 1)] },
        { "4.6.8: MTQC written while RTTDCS.ARBDIS is clear", [(Mtqc, 0)] },
        { "10.5.4: AUTOC written without the semaphore", [(Autoc, 0xC09C_7004)] },
        { "10.5.4: SW_FW_SYNC written without SWSM.SMBI", [(SwFwSync, 8)] },
        { "8.2.3.5.3: reserved bits", [(Eims, 1u << 31)] },
    };

    [Theory]
    [MemberData(nameof(Forbidden))]
    public void What_the_data_sheet_forbids_is_refused_with_its_section(string section, (int Offset, uint Value)[] writes)
    {
        using var memory = new DeviceMemory();
        IxgbeModel model = Create(memory);
        var exception = Assert.Throws<DataSheetException>(() =>
        {
            foreach ((int offset, uint value) in writes)
                model.Write(offset, value);
        });
        Assert.Contains(section[(section.IndexOf(':', StringComparison.Ordinal) + 1)..], exception.Message, StringComparison.Ordinal);
        Assert.Equal([exception.Message], model.Complaints);
    }

    [Fact]
    public void Opening_the_receive_unit_needs_a_reset_device_whose_tables_are_initialized()
    {
        using var memory = new DeviceMemory();
        IxgbeModel model = Create(memory);
        model.Write(SecRxCtrl, 2);
        _ = model.Read(SecRxStat);
        _ = model.Read(SecRxStat);
        Assert.Contains("4.6.3: RXCTRL.RXEN set before a reset", Refusal(() => model.Write(Rxctrl, 1)), StringComparison.Ordinal);
        Reset(model);
        model.Write(SecRxCtrl, 2);
        _ = model.Read(SecRxStat);
        _ = model.Read(SecRxStat);
        Assert.Contains("EEC.Auto_RD", Refusal(() => model.Write(Rxctrl, 1)), StringComparison.Ordinal);
        for (int i = 0; i < 3; i++)
            _ = model.Read(0x10010) + model.Read(0x2F00);
        Assert.Contains("before these are initialized: MTA[0]", Refusal(() => model.Write(Rxctrl, 1)), StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void A_ring_outside_of_our_memory_is_refused()
    {
        using var memory = new DeviceMemory();
        IxgbeModel model = Create(memory);
        model.IsBusMaster = true;
        model.Write(Rdbal, 0x1000);
        model.Write(Rdlen, 4096);
        model.Write(Srrctl, (1u << 25) | 2);
        model.Write(Dca, model.Read(Dca) & ~(1u << 12));
        Assert.Contains("not memory of the dataplane", Refusal(() => model.Write(Rxdctl, Enable)), StringComparison.Ordinal);
    }

    [Fact]
    public void Registers_that_the_driver_has_no_business_with_are_not_there()
    {
        using var memory = new DeviceMemory();
        IxgbeModel model = Create(memory);
        Assert.Contains("where no register is", Refusal(() => model.Read(Gprc)), StringComparison.Ordinal);
        Assert.Throws<DataSheetException>(() => new ModelRegisters(model).Read16(Status));
        Assert.Throws<DataSheetException>(() => new ModelRegisters(model).Write8(Fctrl, 0));
        Assert.Equal(0x8100u << 16, model.Read(Dmatxctl));
    }

    /// <summary>Hashes that Microsoft publishes for verification of RSS, with its key.</summary>
    [Theory]
    [InlineData("66.9.149.187", 2794, "161.142.100.80", 1766, 0x51ccc178u, 0x323e8fc2u)]
    [InlineData("199.92.111.2", 14230, "65.69.140.83", 4739, 0xc626b0eau, 0xd718262au)]
    [InlineData("24.19.198.95", 12898, "12.22.207.184", 38024, 0x5c2b394au, 0xd2d0a5deu)]
    public void The_hash_is_the_one_that_is_published(string source, int sourcePort, string destination, int destinationPort, uint tcp, uint ip)
    {
        byte[] frame = new byte[60];
        frame[12] = 8;
        frame[14] = 0x45;
        frame[17] = 40;
        frame[23] = 6;
        System.Net.IPAddress.Parse(source).GetAddressBytes().CopyTo(frame, 26);
        System.Net.IPAddress.Parse(destination).GetAddressBytes().CopyTo(frame, 30);
        (frame[34], frame[35]) = ((byte)(sourcePort >> 8), (byte)sourcePort);
        (frame[36], frame[37]) = ((byte)(destinationPort >> 8), (byte)destinationPort);
        byte[] key = new byte[48];
        Convert.FromHexString("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa").CopyTo(key, 0);
        var view = new FrameView(frame);
        Assert.Equal(tcp, view.Hash(key, withPorts: true));
        Assert.Equal(ip, view.Hash(key, withPorts: false));
    }

    private static IxgbeModel Create(DeviceMemory memory) => new(
        memory.Memory,
        IxgbeVariant.Physical.Single(variant => variant.Id.Device == 0x10FB),
        new MacAddress([0x02, 0, 0, 0, 0, 1]));

    private static void Reset(IxgbeModel model)
    {
        model.Write(Ctrl, 1u << 2);
        for (int i = 0; i < 3; i++)
            _ = model.Read(Status);
        model.Write(Ctrl, (1u << 2) | (1u << 26));
        for (int i = 0; i < 3; i++)
            _ = model.Read(Ctrl);
    }

    private static string Refusal(Action action) => Assert.Throws<DataSheetException>(action).Message;

    private static string Refusal(Func<uint> action) => Assert.Throws<DataSheetException>(() => action()).Message;
}
