using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>
/// MSI-X without an interrupt controller: a message is a write to memory, so it goes to a line of ours per vector
/// (PCI Local Bus Specification 3.0, section 6.8.2).
/// </summary>
internal sealed unsafe class MessageInterrupts : InterruptWatcher
{
    private const int Line = 64;
    private const int Control = 2;
    private const int Table = 4;
    private const int EntryLength = 16;
    private const ushort SizeMask = 0x7FF;
    private const ushort FunctionMask = 1 << 14;
    private const ushort Enable = 1 << 15;

    private readonly IPciConfiguration _configuration;
    private readonly int _capability;
    private readonly Func<int, QtestBar> _openBar;
    private readonly MemoryZone _lines;
    private readonly Action _onEvent;
    private readonly EventFd[] _rxQueues;

    /// <param name="configuration">Of the function.</param>
    /// <param name="capability">Offset of its MSI-X capability.</param>
    /// <param name="openBar">Where its table is.</param>
    /// <param name="lines">Memory for the messages, which the caller owns.</param>
    /// <param name="onEvent">Called for vector 0.</param>
    /// <param name="rxQueues">Signalled for the others.</param>
    public MessageInterrupts(
        IPciConfiguration configuration,
        int capability,
        Func<int, QtestBar> openBar,
        MemoryZone lines,
        Action onEvent,
        IEnumerable<EventFd> rxQueues)
    {
        _configuration = configuration;
        _capability = capability;
        _openBar = openBar;
        _lines = lines;
        _onEvent = onEvent;
        _rxQueues = [.. rxQueues];
        lines.Span.Clear();
        Program();
    }

    /// <summary>Vectors that a function has.</summary>
    public static int CountOf(IPciConfiguration configuration, int capability) =>
        (configuration.Read16(capability + Control) & SizeMask) + 1;

    /// <summary>Bytes of memory that messages of so many vectors take.</summary>
    public static nuint LengthFor(int vectors) => (nuint)vectors * Line;

    /// <summary>Tells the device where messages go; again after a reset.</summary>
    public void Program()
    {
        // The low three bits name the BAR, the rest is the offset in it.
        uint place = _configuration.Read32(_capability + Table);
        QtestBar bar = _openBar((int)(place & 7));
        int offset = (int)(place & ~7u);
        for (int vector = 0; vector <= _rxQueues.Length; vector++, offset += EntryLength)
        {
            ulong address = (ulong)LineOf(vector);
            bar.Write('l', offset, (uint)address);
            bar.Write('l', offset + 4, address >> 32);
            bar.Write('l', offset + 8, (uint)vector + 1);
            bar.Write('l', offset + 12, 0);
        }

        int control = _configuration.Read16(_capability + Control) & ~FunctionMask;
        _configuration.Write16(_capability + Control, (ushort)(control | Enable));
    }

    /// <summary>
    /// Ends messages, by the mask: QEMU 7.2's e1000e asserts that MSI-X is on when its throttling timer ends, which it may do
    /// after the driver is gone.
    /// </summary>
    public void Disable()
    {
        int control = _configuration.Read16(_capability + Control);
        _configuration.Write16(_capability + Control, (ushort)(control | FunctionMask));
    }

    /// <inheritdoc/>
    protected override void Poll()
    {
        for (int vector = 0; vector <= _rxQueues.Length; vector++)
        {
            if (Interlocked.Exchange(ref *LineOf(vector), 0) == 0)
                continue;
            if (vector == 0)
                _onEvent();
            else
                _rxQueues[vector - 1].Signal();
        }
    }

    private uint* LineOf(int vector) => (uint*)(_lines.Address + (vector * Line));
}
