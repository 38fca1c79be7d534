using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary>The native shim (<c>native-shim/shim.h</c>): what .NET cannot say. A call costs little more than the instruction in it.</summary>
internal static unsafe partial class Shim
{
    /// <summary>DATAPLANE_SHIM_ABI of the header that these declarations were written from.</summary>
    public const uint AbiVersion = 3;

    private const string Library = "dataplane_shim";

    /// <summary>Says clearly that the library is missing or of another build, before a lcore runs into it.</summary>
    /// <exception cref="DataplaneException">There is no library for this architecture, or it is not of this build.</exception>
    public static void Check()
    {
        uint found;
        try
        {
            found = ReadAbiVersion();
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            string file = Path.Combine(AppContext.BaseDirectory, RelativePath);
            throw new DataplaneException(
                $"The native library {file} {(File.Exists(file) ? "cannot be used: it is damaged, or for another kind of machine" : "is missing")}",
                "deploy the folder runtimes of the build output, or of the package Dataplane.Core, beside the program",
                e);
        }

        if (found != AbiVersion)
        {
            throw new DataplaneException(
                $"The native library lib{Library}.so is of another build: its ABI version is {found}, this program needs {AbiVersion}",
                $"deploy {RelativePath} together with Dataplane.Core.dll, from the same build");
        }
    }

    /// <summary>Orders stores to memory that a device reads before later stores.</summary>
    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "dataplane_io_store_barrier")]
    public static partial void IoStoreBarrier();

    /// <summary>Orders loads of memory that a device writes before later loads and stores.</summary>
    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "dataplane_io_load_barrier")]
    public static partial void IoLoadBarrier();

    /// <summary>Orders everything before everything.</summary>
    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "dataplane_io_full_barrier")]
    public static partial void IoFullBarrier();

    /// <summary>The CPU's counter of constant rate.</summary>
    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "dataplane_cycles")]
    public static partial ulong Cycles();

    /// <summary>The counter's rate in Hz. It may sleep, so the GC must be able to run meanwhile.</summary>
    [LibraryImport(Library, EntryPoint = "dataplane_cycle_frequency")]
    public static partial ulong MeasureCycleFrequency();

    /// <summary>Lets a mapping survive that its file is cut short: it becomes zero pages then.</summary>
    /// <returns>A slot, or -1 if all are taken.</returns>
    [LibraryImport(Library, EntryPoint = "dataplane_guard_add")]
    public static partial int AddGuard(void* start, ulong length);

    /// <summary>Whether that has happened: 0 for no.</summary>
    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "dataplane_guard_lost")]
    public static partial int IsGuardLost(int slot);

    /// <summary>Before the mapping is undone, when nobody uses it any more.</summary>
    [LibraryImport(Library, EntryPoint = "dataplane_guard_remove")]
    public static partial void RemoveGuard(int slot);

    [LibraryImport(Library, EntryPoint = "dataplane_shim_abi")]
    private static partial uint ReadAbiVersion();

    private static string RuntimeIdentifier => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";

    private static string RelativePath => $"runtimes/{RuntimeIdentifier}/native/lib{Library}.so";

    /// <summary>
    /// The runtime finds native libraries of NuGet packages by itself, but not those of a referenced project, which lie in the
    /// same folders below the output folder.
    /// </summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "A resolver must stand before the first call, wherever that is; setting it loads nothing.")]
    internal static void FindLibraryInOutputFolder() =>
        NativeLibrary.SetDllImportResolver(typeof(Shim).Assembly, static (name, assembly, _) =>
            name == Library && NativeLibrary.TryLoad(RelativePath, assembly, DllImportSearchPath.AssemblyDirectory, out nint handle)
                ? handle
                : 0);
}
