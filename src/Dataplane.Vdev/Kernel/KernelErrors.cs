using Dataplane.Linux;

namespace Dataplane.Vdev.Kernel;

/// <summary>What the kernel's refusals mean and what mends them, for ports that stand on kernel interfaces.</summary>
internal static class KernelErrors
{
    /// <summary>The error for a call that failed with the calling thread's errno.</summary>
    /// <param name="device">The device as its port calls it.</param>
    /// <param name="action">What was tried, as it reads after "cannot".</param>
    /// <param name="capability">The capability that the call needs, without CAP_.</param>
    public static DataplaneException Failed(string device, string action, string capability)
    {
        int errno = Errno.Last;
        string problem = $"{device} cannot {action}: {Errno.Describe(errno)}";
        return new DataplaneException(problem, errno is Errno.EPERM or Errno.EACCES ? Grant(capability) : null);
    }

    /// <summary>How a process gets a capability, on a machine and in a pod.</summary>
    public static string Grant(string capability) =>
        $"run as root, or give the container CAP_{capability}: securityContext.capabilities.add: [\"{capability}\"]";
}
