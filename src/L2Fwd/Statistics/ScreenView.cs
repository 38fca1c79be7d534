using System.Buffers;
using System.Buffers.Text;
using L2Fwd.Terminal;
using Microsoft.Extensions.ObjectPool;

namespace L2Fwd.Statistics;

/// <summary>The statistics screen of DPDK's l2fwd, byte for byte, as scripts that read logs expect it.</summary>
internal sealed class ScreenView(StatisticsSource source, Output output) : IStatisticsView
{
    /// <summary>The column that all counts end at; a longer one moves to the right, as in DPDK.</summary>
    private const int CountsEnd = 38;

    private readonly ObjectPool<ArrayBufferWriter<byte>> _buffers = TextBuffers.CreatePool();

    /// <inheritdoc/>
    public void Show(StatisticsSnapshot earlier, StatisticsSnapshot now)
    {
        ArrayBufferWriter<byte> buffer = _buffers.Get();
        Render(buffer, now);
        output.Write(buffer.WrittenSpan);
        _buffers.Return(buffer);
    }

    /// <summary>Renders a whole screen; does not allocate once the buffer has grown.</summary>
    internal void Render(ArrayBufferWriter<byte> buffer, StatisticsSnapshot now)
    {
        // Clear the screen, then go to the top left (ECMA-48 ED and CUP).
        buffer.Write("\e[2J\e[1;1H\nPort statistics ====================================\n"u8);
        for (int i = 0; i < now.Ports.Length; i++)
        {
            buffer.Write("Statistics for port "u8);
            Number(buffer, (uint)source.Ports[i].Id, width: 0);
            buffer.Write(" ------------------------------\n"u8);
            Line(buffer, "Packets sent: "u8, now.Ports[i].Sent);
            Line(buffer, "Packets received: "u8, now.Ports[i].Received);
            Line(buffer, "Packets dropped: "u8, now.Ports[i].Dropped);
        }

        buffer.Write("Aggregate statistics ===============================\n"u8);
        Line(buffer, "Total packets sent: "u8, now.Total.Sent);
        Line(buffer, "Total packets received: "u8, now.Total.Received);
        Line(buffer, "Total packets dropped: "u8, now.Total.Dropped);
        buffer.Write("====================================================\n"u8);
    }

    private static void Line(ArrayBufferWriter<byte> buffer, ReadOnlySpan<byte> label, ulong count)
    {
        buffer.Write(label);
        Number(buffer, count, CountsEnd - label.Length);
        buffer.Write("\n"u8);
    }

    /// <summary>Not by an interpolated string: that boxes each number until the JIT has optimised it.</summary>
    private static void Number(ArrayBufferWriter<byte> buffer, ulong number, int width)
    {
        const int MaxDigits = 20;
        Span<byte> digits = stackalloc byte[MaxDigits];
        _ = Utf8Formatter.TryFormat(number, digits, out int length);
        int padding = Math.Max(0, width - length);
        Span<byte> field = buffer.GetSpan(padding + length);
        field[..padding].Fill((byte)' ');
        digits[..length].CopyTo(field[padding..]);
        buffer.Advance(padding + length);
    }
}
