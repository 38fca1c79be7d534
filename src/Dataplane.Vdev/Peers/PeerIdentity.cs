using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Peers;

/// <summary>The process at the other end of a socket, by the kernel's word: "testpmd (pid 123)".</summary>
internal static unsafe class PeerIdentity
{
    /// <summary>Names the process that connected, or for the connecting side the one that listens.</summary>
    public static string Of(SafeFileHandle socket)
    {
        PeerCredentials credentials;
        uint length = (uint)sizeof(PeerCredentials);
        if (Libc.GetSockOpt(socket, SocketNumbers.SOL_SOCKET, SocketNumbers.SO_PEERCRED, &credentials, &length) != 0)
            return "an unknown process";
        if (credentials.ProcessId == 0)
            return $"a process of another container (uid {credentials.UserId})";
        string? name = new HostFiles().ReadText($"/proc/{credentials.ProcessId}/comm");
        return string.IsNullOrEmpty(name) ? $"pid {credentials.ProcessId}" : $"{Printable(name)} (pid {credentials.ProcessId})";
    }

    /// <summary>A process chooses its own name, also one that would write lines into our log.</summary>
    private static string Printable(string name) => string.Concat(name.Select(letter => char.IsControl(letter) ? '?' : letter));
}
