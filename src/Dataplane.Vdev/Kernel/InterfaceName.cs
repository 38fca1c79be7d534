using System.Text;
using Dataplane.Linux;

namespace Dataplane.Vdev.Kernel;

/// <summary>Names of network interfaces as the kernel takes them.</summary>
internal static unsafe class InterfaceName
{
    /// <summary>What a name must be, as it reads after a colon. IFNAMSIZ has a byte for the terminating zero.</summary>
    public const string Rule = "a name has 1 to 15 bytes";

    public static bool IsValid(string name) => Encoding.UTF8.GetByteCount(name) is > 0 and < NetworkDevice.IFNAMSIZ;

    public static void Write(string name, ref Ifreq request)
    {
        fixed (byte* destination = request.Name)
            Encoding.UTF8.GetBytes(name, new Span<byte>(destination, NetworkDevice.IFNAMSIZ - 1));
    }

    public static string Read(in Ifreq request)
    {
        fixed (byte* name = request.Name)
            return Encoding.UTF8.GetString(new ReadOnlySpan<byte>(name, NetworkDevice.IFNAMSIZ)).TrimEnd('\0');
    }
}
