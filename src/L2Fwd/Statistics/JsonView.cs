using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Dataplane.Ports;
using L2Fwd.Forwarding;
using L2Fwd.Terminal;
using Microsoft.Extensions.ObjectPool;

namespace L2Fwd.Statistics;

/// <summary>A line of JSON per period; docs/statistics.md describes every field.</summary>
internal sealed class JsonView(StatisticsSource source, Output output, TimeProvider clock)
    : IStatisticsView, IDisposable
{
    private readonly ObjectPool<ArrayBufferWriter<byte>> _buffers = TextBuffers.CreatePool();
    private readonly Utf8JsonWriter _json = new(new ArrayBufferWriter<byte>());

    /// <inheritdoc/>
    public void Show(StatisticsSnapshot earlier, StatisticsSnapshot now)
    {
        ArrayBufferWriter<byte> buffer = _buffers.Get();
        Render(buffer, earlier, now);
        output.Write(buffer.WrittenSpan);
        _buffers.Return(buffer);
    }

    /// <inheritdoc/>
    public void Dispose() => _json.Dispose();

    /// <summary>Renders a line; does not allocate once the buffer has grown.</summary>
    internal void Render(ArrayBufferWriter<byte> buffer, StatisticsSnapshot earlier, StatisticsSnapshot now)
    {
        double seconds = Stopwatch.GetElapsedTime(earlier.Timestamp, now.Timestamp).TotalSeconds;
        _json.Reset(buffer);
        _json.WriteStartObject();
        _json.WriteString("time"u8, clock.GetUtcNow().UtcDateTime);
        _json.WriteNumber("seconds"u8, Math.Round(seconds, 3));
        _json.WriteStartArray("ports"u8);
        for (int i = 0; i < now.Ports.Length; i++)
        {
            Port port = source.Ports[i];
            _json.WriteStartObject();
            _json.WriteNumber("port"u8, port.Id);
            _json.WriteString("name"u8, port.Name);
            _json.WriteString("link"u8, port.GetLink().IsUp ? "up"u8 : "down"u8);
            WriteCounts(earlier.Ports[i], now.Ports[i], seconds);
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
        _json.WriteStartArray("lcores"u8);
        for (int i = 0; i < now.Lcores.Length; i++)
        {
            _json.WriteStartObject();
            _json.WriteNumber("lcore"u8, source.Lcores[i].Lcore.Id);
            _json.WriteNumber("busy"u8, Math.Round(LcoreTime.BusyShare(earlier.Lcores[i], now.Lcores[i]), 4));
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
        _json.WriteStartObject("total"u8);
        WriteCounts(earlier.Total, now.Total, seconds);
        _json.WriteEndObject();
        _json.WriteStartObject("gc"u8);
        _json.WriteNumber("collections"u8, now.Collections);
        _json.WriteNumber("allocated_bytes"u8, now.AllocatedBytes);
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.Flush();
        buffer.Write("\n"u8);
    }

    private void WriteCounts(in PortCounts earlier, in PortCounts now, double seconds)
    {
        _json.WriteNumber("rx_packets"u8, now.Received);
        _json.WriteNumber("rx_bytes"u8, now.Device.InputBytes);
        _json.WriteNumber("tx_packets"u8, now.Sent);
        _json.WriteNumber("tx_bytes"u8, now.Device.OutputBytes);
        _json.WriteNumber("dropped_packets"u8, now.Dropped);
        _json.WriteNumber("rx_missed"u8, now.Device.InputMissed);
        _json.WriteNumber("rx_errors"u8, now.Device.InputErrors);
        _json.WriteNumber("rx_nombuf"u8, now.Device.RxNoMbuf);
        _json.WriteNumber("tx_errors"u8, now.Device.OutputErrors);
        WriteRate("rx_pps"u8, earlier.Received, now.Received, seconds);
        WriteRate("tx_pps"u8, earlier.Sent, now.Sent, seconds);
        WriteRate("dropped_pps"u8, earlier.Dropped, now.Dropped, seconds);
        WriteRate("rx_bps"u8, 8 * earlier.Device.InputBytes, 8 * now.Device.InputBytes, seconds);
        WriteRate("tx_bps"u8, 8 * earlier.Device.OutputBytes, 8 * now.Device.OutputBytes, seconds);
    }

    private void WriteRate(ReadOnlySpan<byte> name, ulong earlier, ulong now, double seconds) =>
        _json.WriteNumber(name, (ulong)Math.Round(Rates.PerSecond(earlier, now, seconds)));
}
