namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>
/// Registers of the virtual functions, by the names and sections of the 82599 data sheet (331520, 8.3). Within the block of a
/// queue they are where the physical function has them (<see cref="IxgbeRegisters"/>).
/// </summary>
internal static class IxgbeVfRegisters
{
    // 8.3.5.1 General
    public const int VfCtrl = 0x0;
    public const uint VfCtrlReset = 1u << 26;
    public const int VfLinks = 0x10;

    // 8.3.5.2 Interrupts
    public const int VtEicr = 0x100;
    public const int VtEims = 0x108;
    public const int VtEimc = 0x10C;
    public const uint VtEimcAll = 7;
    public const int VtEiac = 0x110;
    public const int VtEiam = 0x114;
    public const int VtIvar = 0x120;
    public const int VtIvarMisc = 0x140;
    public const int VtEitr = 0x820;

    // 8.3.5.1.5 and 8.3.5.1.6 Mailbox
    public const int VfMailbox = 0x2FC;
    public const int VfMbmem = 0x200;

    // 8.3.5.3 and 8.3.5.4 Receive and transmit
    public const int VfPsrtype = 0x300;
    public const int VfPsrtypeQueuesShift = 29;
    public const int RxQueueBlock = 0x1000;
    public const int TxQueueBlock = 0x2000;

    // X550 8.3.5.3: a hash and a table of the VF's own
    public const int VfMrqc = 0x3000;
    public const int VfRssrk = 0x3100;
    public const int VfReta = 0x3200;
    public const int VfRetaLength = 64;

    // 8.3.5.5 Statistics: they run on and wrap
    public const int Vfmprc = 0x1034;
}
