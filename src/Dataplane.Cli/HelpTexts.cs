namespace Dataplane.Cli;

/// <summary>What --help prints.</summary>
internal static class HelpTexts
{
    private const string Overview = """
        dataplane prepares a machine for l2fwd and other programs of Dataplane.

          dataplane devbind --status                    which driver has which network device
          dataplane devbind --bind vfio-pci ADDR...     give devices to programs
          dataplane devbind --restore ADDR...           give them back to the kernel

          dataplane hugepages --show                    which hugepages there are
          dataplane hugepages --setup 1G                set some aside and mount a hugetlbfs
          dataplane hugepages --clear                   give those back that nobody uses

        'dataplane devbind --help' and 'dataplane hugepages --help' say more; 'dataplane --version' prints the version.
        Exit code: 0, or 1 if anything failed, with what failed and what mends it on standard error.

        """;

    private const string Devbind = """
        dataplane devbind: which kernel driver has which network device

          -s, --status                what there is, as dpdk-devbind.py prints it; devices behind it: only those
              --json                  with --status: as JSON
          -b, --bind DRIVER ADDR...   give the devices to a driver: vfio-pci for programs, or any kernel driver
          -u, --unbind ADDR...        take the devices from their drivers
              --restore ADDR...       give the devices back to the kernel drivers that know them
              --force                 even if a device carries the default route, has an address in use, has virtual
                                      functions, is no network controller, or is open in a program

        ADDR is a PCI address (0000:01:00.0 or 01:00.0), one with wildcards ('01:10.*'), or an interface (eth1).
        All devices are checked before the first is changed. What is bound stays so until the machine restarts.

        Examples:
          dataplane devbind --status
          modprobe vfio-pci && dataplane devbind --bind vfio-pci 01:00.0 01:00.1
          dataplane devbind --restore 01:00.0 01:00.1

        """;

    private const string Hugepages = """
        dataplane hugepages: memory for packets, in pages that are large and stay where they are

          -s, --show                  how many pages there are on each NUMA node, and where a hugetlbfs is mounted
              --json                  with --show: as JSON
              --setup SIZE            set as much memory aside (as 512M or 2G), and mount a hugetlbfs if there is none
          -p, --page-size SIZE        of pages of this size (2M, 1G, ...); default: the kernel's
          -n, --node N                on this NUMA node; default: spread over all
          -m, --mount DIR             mount it there; default: /dev/hugepages
          -c, --clear                 unmount hugetlbfs and give back pages that nobody uses; --page-size, --node: only those

        SIZE is what there shall be afterwards, not what is added.

        Examples:
          dataplane hugepages --setup 1G
          dataplane hugepages --setup 4G --page-size 1G --node 1 --mount /mnt/huge1G

        """;

    /// <summary>The text for a command; null for all.</summary>
    public static string Of(string? command) => command switch
    {
        "devbind" => Devbind,
        "hugepages" => Hugepages,
        _ => Overview,
    };
}
