using Dataplane.Eal;
using Dataplane.Linux;
using Dataplane.Memory;

namespace Dataplane.Cli.Hugepages;

/// <summary><c>dataplane hugepages</c>: shows which hugepages there are, sets some aside, gives them back.</summary>
internal sealed class HugepagesCommand(TextWriter output, TextWriter errors, HostFiles files, IMounts mounts)
{
    private readonly HugepageInventory _inventory = new(files);

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="DataplaneException">The arguments make no sense, or the kernel refused.</exception>
    public int Run(HugepagesOptions options)
    {
        CheckArguments(options);
        ulong? pageSize = options.PageSize is null && options.Setup is null ? null : FindPageSize(options.PageSize);
        ulong pages = options.Setup is null ? 0 : PagesOf(options.Setup, pageSize!.Value);
        if (options.Node is { } node && !_inventory.NumaNodes().Contains(node))
        {
            throw new DataplaneException(
                $"There is no NUMA node {node} with hugepages", $"the nodes are: {string.Join(", ", _inventory.NumaNodes())}");
        }

        var report = new ErrorReport(errors);
        if (options.Clear)
            new HugepageRelease(files, mounts, output).Run(pageSize, options.Node);
        if (pages > 0)
        {
            report.Try(() => new HugepageSetup(files, output).Reserve(pageSize!.Value, options.Node, pages));
            report.Try(() => new HugepageMount(files, mounts, output).Ensure(pageSize!.Value, options.Mount));
        }

        if (options.Show)
            Show(options.Json);
        return report.IsEmpty ? 0 : 1;
    }

    private static void CheckArguments(HugepagesOptions options)
    {
        if (options.Rest.FirstOrDefault() is { } word)
            throw new CommandLineException($"'{word}' is no option", "--help behind the command lists its options");
        if (!options.Show && !options.Clear && options.Setup is null)
            throw new CommandLineException("hugepages is not told what to do", "give --show, --setup SIZE or --clear");
        if (options.Json && !options.Show)
            throw new CommandLineException("--json goes with --show", "leave it out, or add --show");
        if (options.Mount is not null && options.Setup is null)
            throw new CommandLineException("--mount goes with --setup", "leave it out, or add --setup SIZE");
    }

    private ulong FindPageSize(string? text)
    {
        IReadOnlyList<ulong> sizes = _inventory.PageSizes();
        if (sizes.Count == 0)
            throw new DataplaneException("This kernel has no hugepages", "boot one with CONFIG_HUGETLBFS; without it, l2fwd takes ordinary pages");
        ulong size = _inventory.DefaultPageSize();
        if (text is not null && !ByteSize.TryParse(text, out size))
            throw new CommandLineException($"Option '--page-size' takes a size such as 2M or 1G, not '{text}'");
        return sizes.Contains(size)
            ? size
            : throw new DataplaneException(
                $"This kernel has no hugepages of {ByteSize.Format(size)}", $"it has {string.Join(" and ", sizes.Select(ByteSize.Format))}");
    }

    private static ulong PagesOf(string text, ulong pageSize)
    {
        if (!ByteSize.TryParse(text, out ulong bytes) || bytes == 0)
            throw new CommandLineException($"Option '--setup' takes a size such as 512M or 2G, not '{text}'");
        return bytes % pageSize == 0
            ? bytes / pageSize
            : throw new CommandLineException(
                $"{ByteSize.Format(bytes)} is no multiple of the page size, {ByteSize.Format(pageSize)}",
                $"give --setup {ByteSize.FormatForKubernetes(ByteSize.AlignUp(bytes, pageSize))}");
    }

    private void Show(bool json)
    {
        HugepageState state = HugepageState.Read(files);
        if (json)
            Json.Write(state, Json.Context.HugepageState, output);
        else
            state.WriteTable(output);
    }
}
