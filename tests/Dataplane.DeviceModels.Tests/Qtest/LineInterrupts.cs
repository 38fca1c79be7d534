namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>INTx: while the line is raised the handler is called, as the kernel unmasks the line behind each call.</summary>
internal sealed class LineInterrupts(QtestClient client, Action onEvent) : InterruptWatcher
{
    /// <summary>
    /// PCI interrupts reach the IOAPIC at inputs 16 to 23 (ICH9 data sheet, 5.10 "Advanced Programmable Interrupt Controller").
    /// </summary>
    private const uint PciLines = 0x00FF_0000;

    /// <inheritdoc/>
    protected override void Poll()
    {
        if ((client.ReadInterruptLines() & PciLines) != 0)
            onEvent();
    }
}
