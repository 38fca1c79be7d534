using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Peers;

/// <summary>What a peer does with the counter of an eventfd.</summary>
internal static unsafe class Counter
{
    /// <summary>Fills it: whoever signals would have to wait, if the file lets it.</summary>
    public static void Fill(SafeFileHandle file)
    {
        ulong full = ulong.MaxValue - 1;
        while (Libc.Write(file, &full, sizeof(ulong)) != sizeof(ulong))
            Assert.True(TryTake(file));
        _ = Libc.Fcntl(file, Libc.F_SETFL, 0);
    }

    /// <summary>Takes the signals that came; false if there are none.</summary>
    public static bool TryTake(SafeFileHandle file)
    {
        ulong count;
        return Libc.Read(file, &count, sizeof(ulong)) == sizeof(ulong);
    }
}
