using System.Numerics;
using L2Fwd.CommandLine;
using L2Fwd.Terminal;

namespace L2Fwd.Startup;

/// <summary>Which ports are used, and where each of them forwards to.</summary>
/// <param name="Mask">A bit for each port that is used.</param>
/// <param name="Destinations">
/// From the port that receives to the port that sends, in ascending order of the former.
/// </param>
internal sealed record PortPlan(uint Mask, IReadOnlyList<PortPair> Destinations)
{
    /// <summary>Whether a port is used.</summary>
    public bool Uses(int port) => Uses(Mask, port);

    /// <summary>
    /// Plans as DPDK does: pairs of <c>--portmap</c>, else neighbours; the last of an odd number is its own neighbour.
    /// </summary>
    /// <param name="options">The program's options.</param>
    /// <param name="portCount">Ports that there are.</param>
    /// <param name="output">Gets notices and complaints.</param>
    /// <exception cref="ExitException">A port is not there, not enabled, or in two pairs.</exception>
    public static PortPlan Make(L2FwdOptions options, int portCount, Output output)
    {
        uint mask = options.PortMask;
        if (options.PortMap is { } map)
            mask = CheckPairs(map, mask, portCount, output);
        ulong possible = (1UL << portCount) - 1;
        if ((mask & ~possible) != 0)
        {
            throw new ExitException(
                $"Invalid portmask; possible (0x{possible:x})",
                $"-p {mask:x} names the port {BitOperations.Log2(mask)}, but {ThereAre(portCount)}: " +
                "add ports before -- (-a for a PCI device bound to vfio-pci, --vdev for a software port), or clear bits of -p");
        }

        IEnumerable<PortPair> pairs = options.PortMap?.Pairs ?? Neighbours(mask, output);
        return new PortPlan(mask, [.. BothWays(pairs).Distinct().OrderBy(way => way.First)]);
    }

    private static IEnumerable<PortPair> BothWays(IEnumerable<PortPair> pairs)
    {
        foreach (PortPair pair in pairs)
        {
            yield return pair;
            yield return new PortPair(pair.Second, pair.First);
        }
    }

    private static List<PortPair> Neighbours(uint mask, Output output)
    {
        int[] ports = [.. Enumerable.Range(0, PortMap.MaxPorts).Where(port => Uses(mask, port))];
        if (ports.Length % 2 != 0)
            output.Write("Notice: odd number of ports in portmask.\n");
        return [.. ports.Chunk(2).Select(pair => new PortPair(pair[0], pair[^1]))];
    }

    /// <summary>Checks the pairs in DPDK's order.</summary>
    /// <returns>The ports of the mask that are in pairs.</returns>
    private static uint CheckPairs(PortMap map, uint mask, int portCount, Output output)
    {
        uint paired = 0;
        foreach (PortPair pair in map.Pairs)
        {
            foreach (int port in (int[])[pair.First, pair.Second])
            {
                if (!Uses(mask, port))
                {
                    throw Refuse(
                        $"port {port} is not enabled in port mask",
                        $"set bit {port} of -p, or leave port {port} out of --portmap");
                }

                if (port >= portCount)
                {
                    throw Refuse(
                        $"port {port} is not present on the board", ThereAre(portCount));
                }
            }

            uint bits = (1U << pair.First) | (1U << pair.Second);
            // DPDK names the pair's second port, whichever is the one that was used before; the remedy names that one.
            if ((paired & bits) != 0)
            {
                int twice = Uses(paired, pair.First) ? pair.First : pair.Second;
                throw Refuse(
                    $"port {pair.Second} is used in other port pairs",
                    $"port {twice} stands in two pairs of --portmap: keep one of them");
            }

            paired |= bits;
        }

        return mask & paired;

        ExitException Refuse(string complaint, string remedy)
        {
            output.Write(complaint + "\n");
            return new ExitException("Invalid port pair config", remedy);
        }
    }

    private static string ThereAre(int ports) =>
        ports == 1 ? "there is 1 port, which is port 0" : $"there are {ports} ports, counted from 0";

    private static bool Uses(uint mask, int port) => (mask & (1U << port)) != 0;
}
