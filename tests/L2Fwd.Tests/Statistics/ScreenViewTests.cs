using System.Buffers;
using System.Text;
using L2Fwd.Statistics;

namespace L2Fwd.Tests.Statistics;

public class ScreenViewTests
{
    /// <summary>
    /// What DPDK 22.11's l2fwd printed before and after 49 million packets; <c>^[</c> is ESC, as cat -v shows it.
    /// </summary>
    private const string Captured = """
        ^[[2J^[[1;1H
        Port statistics ====================================
        Statistics for port 0 ------------------------------
        Packets sent:                        0
        Packets received:                    0
        Packets dropped:                     0
        Statistics for port 1 ------------------------------
        Packets sent:                        0
        Packets received:                    0
        Packets dropped:                     0
        Aggregate statistics ===============================
        Total packets sent:                  0
        Total packets received:              0
        Total packets dropped:               0
        ====================================================
        ^[[2J^[[1;1H
        Port statistics ====================================
        Statistics for port 0 ------------------------------
        Packets sent:                 24575360
        Packets received:             24575360
        Packets dropped:                     0
        Statistics for port 1 ------------------------------
        Packets sent:                 24575360
        Packets received:             24575360
        Packets dropped:                     0
        Aggregate statistics ===============================
        Total packets sent:           49150720
        Total packets received:       49150720
        Total packets dropped:               0
        ====================================================

        """;

    [Fact]
    public void The_screen_is_DPDKs_byte_for_byte()
    {
        using var forwarding = new TestForwarding("net_null0,no-rx=1", "net_null1,no-rx=1");
        var view = new ScreenView(forwarding.Source, new Texts().Output);
        var buffer = new ArrayBufferWriter<byte>();

        view.Render(buffer, forwarding.Capture());
        for (int i = 0; i < 24575360 / 32; i++)
        {
            foreach (var route in forwarding.Source.Lcores[0].Routes)
                route.Statistics.Count(32, 32);
        }

        view.Render(buffer, forwarding.Capture());

        string expected = Captured.Replace("^[", "\e", StringComparison.Ordinal);
        Assert.Equal(expected, Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    [Fact]
    public void Drops_count_on_the_port_that_had_no_room()
    {
        using var forwarding = new TestForwarding("net_null0,no-rx=1", "net_null1,no-rx=1");
        var buffer = new ArrayBufferWriter<byte>();
        forwarding.Source.Lcores[0].Routes[0].Statistics.Count(32, 30);

        new ScreenView(forwarding.Source, new Texts().Output).Render(buffer, forwarding.Capture());

        Assert.Contains(
            """
            Statistics for port 0 ------------------------------
            Packets sent:                        0
            Packets received:                   32
            Packets dropped:                     0
            Statistics for port 1 ------------------------------
            Packets sent:                       30
            Packets received:                    0
            Packets dropped:                     2
            Aggregate statistics ===============================
            Total packets sent:                 30
            Total packets received:             32
            Total packets dropped:               2
            """,
            Encoding.UTF8.GetString(buffer.WrittenSpan), StringComparison.Ordinal);
    }
}
