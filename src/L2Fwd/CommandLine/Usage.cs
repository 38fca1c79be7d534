namespace L2Fwd.CommandLine;

/// <summary>How the program is used: DPDK's text byte for byte, with what we added at its end.</summary>
internal static class Usage
{
    /// <summary>The text, with the blank line that DPDK ends it with.</summary>
    public const string Text = DpdkText + OurText + "\n";

    /// <summary>What DPDK 22.11's l2fwd prints.</summary>
    internal const string DpdkText =
        "l2fwd [EAL options] -- -p PORTMASK [-P] [-q NQ]\n" +
        "  -p PORTMASK: hexadecimal bitmask of ports to configure\n" +
        "  -P : Enable promiscuous mode\n" +
        "  -q NQ: number of queue (=ports) per lcore (default is 1)\n" +
        "  -T PERIOD: statistics will be refreshed each PERIOD seconds (0 to disable, 10 default, 86400 maximum)\n" +
        "  --no-mac-updating: Disable MAC addresses updating (enabled by default)\n" +
        "      When enabled:\n" +
        "       - The source MAC address is replaced by the TX port MAC address\n" +
        "       - The destination MAC address is replaced by 02:00:00:00:00:TX_PORT_ID\n" +
        "  --portmap: Configure forwarding port pair mapping\n" +
        "\t      Default: alternate port pairs\n";

    private const string OurText =
        "  --mac-updating: Enable MAC addresses updating, if --no-mac-updating stands before it\n" +
        "  --stats=MODE: what statistics look like\n" +
        "       - screen: the statistics screen of DPDK's l2fwd (default)\n" +
        "       - json: one line of JSON each PERIOD\n" +
        "       - live: a table with rates, redrawn each second on a terminal\n" +
        "  --stats-interval=MS: screens and lines of JSON come each MS milliseconds, whatever PERIOD is\n" +
        "  --rx-interrupt: lcores sleep while nothing comes, until a port interrupts (they poll by default)\n";
}
