using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Unicode;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>
/// Plays the CPU of a QEMU: reads and writes its memory and ports, one round trip each, through the qtest protocol
/// (QEMU, docs/devel/qtest.rst). Any thread.
/// </summary>
internal sealed class QtestClient(Socket socket, Func<string> messages) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly byte[] _request = new byte[64];
    private readonly byte[] _received = new byte[4096];
    private int _start;
    private int _end;
    private uint _interruptLines;

    /// <summary>Reads as many bytes as the letter says: b, w, l, q for 1, 2, 4, 8.</summary>
    public ulong Read(char width, ulong address)
    {
        lock (_gate)
        {
            Utf8.TryWrite(_request, $"read{width} 0x{address:x}\n", out int length);
            return Execute(length);
        }
    }

    /// <summary>Writes as many bytes as the letter says: b, w, l, q for 1, 2, 4, 8.</summary>
    public void Write(char width, ulong address, ulong value)
    {
        lock (_gate)
        {
            Utf8.TryWrite(_request, $"write{width} 0x{address:x} 0x{value:x}\n", out int length);
            Execute(length);
        }
    }

    /// <summary>Writes to an I/O port.</summary>
    public void WritePort(ushort port, uint value)
    {
        lock (_gate)
        {
            Utf8.TryWrite(_request, $"outl 0x{port:x} 0x{value:x}\n", out int length);
            Execute(length);
        }
    }

    /// <summary>From now on the inputs of the IOAPIC are told to us instead.</summary>
    public void InterceptInterrupts()
    {
        lock (_gate)
        {
            Utf8.TryWrite(_request, $"irq_intercept_in ioapic\n", out int length);
            Execute(length);
        }
    }

    /// <summary>The inputs of the IOAPIC that are raised now, a bit each.</summary>
    public uint ReadInterruptLines()
    {
        lock (_gate)
        {
            while (_start < _end || socket.Available > 0)
                TakeEvent(ReadLine());
            return _interruptLines;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    private ulong Execute(int length)
    {
        try
        {
            return RoundTrip(length);
        }
        catch (SocketException e)
        {
            throw new InvalidOperationException($"QEMU ended: {messages()}", e);
        }
    }

    private ulong RoundTrip(int length)
    {
        for (int sent = 0; sent < length;)
            sent += socket.Send(_request.AsSpan(sent, length - sent));
        while (true)
        {
            ReadOnlySpan<byte> line = ReadLine();
            if (line.StartsWith("OK"u8))
            {
                // "OK" or "OK 0x00000000deadbeef"
                return line.Length > 5 ? ulong.Parse(line[5..], NumberStyles.AllowHexSpecifier, null) : 0;
            }

            TakeEvent(line);
        }
    }

    private void TakeEvent(ReadOnlySpan<byte> line)
    {
        // "IRQ raise 21", "IRQ lower 21"
        bool raise = line.StartsWith("IRQ raise "u8);
        if (!raise && !line.StartsWith("IRQ lower "u8))
            throw new InvalidOperationException($"qtest answered '{Encoding.UTF8.GetString(line)}'");
        uint bit = 1U << int.Parse(line[10..], NumberStyles.None, null);
        _interruptLines = raise ? _interruptLines | bit : _interruptLines & ~bit;
    }

    /// <summary>The next line, without its end; valid until the next call.</summary>
    private ReadOnlySpan<byte> ReadLine()
    {
        while (true)
        {
            Span<byte> there = _received.AsSpan(_start, _end - _start);
            int length = there.IndexOf((byte)'\n');
            if (length >= 0)
            {
                _start += length + 1;
                return there[..length];
            }

            there.CopyTo(_received);
            (_start, _end) = (0, there.Length);
            int read = socket.Receive(_received.AsSpan(_end));
            if (read == 0)
                throw new InvalidOperationException($"QEMU ended: {messages()}");
            _end += read;
        }
    }
}
