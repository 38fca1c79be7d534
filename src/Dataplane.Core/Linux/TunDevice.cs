namespace Dataplane.Linux;

/// <summary>The ioctl and flags of /dev/net/tun: linux/if_tun.h, Documentation/networking/tuntap.rst.</summary>
[KernelConstants("linux/ioctl.h", "linux/if_tun.h")]
internal static class TunDevice
{
    public const uint TUNSETIFF = 0x400454CA;

    public const int IFF_TAP = 0x0002;
    public const int IFF_MULTI_QUEUE = 0x0100;
    public const int IFF_NO_PI = 0x1000;
}
