using System.IO.Pipes;
using Dataplane.Linux;
using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>Descriptors of all kinds for messages; closed together.</summary>
internal sealed unsafe class FuzzFiles : IDisposable
{
    /// <summary>EFD_SEMAPHORE (linux/eventfd.h).</summary>
    private const int Semaphore = 1;

    /// <summary>F_SEAL_GROW and F_SEAL_WRITE (linux/fcntl.h).</summary>
    private const int SealGrow = 4, SealWrite = 8;

    private readonly List<IDisposable> _open = [];

    /// <summary>Makes one that is rarely the right one.</summary>
    public SafeFileHandle Odd(Random random)
    {
        switch (random.Next(11))
        {
            case 0:
                return Keep(File.OpenHandle("/dev/null"));
            case 1:
                return Keep(File.OpenHandle("/dev/zero", FileMode.Open, FileAccess.ReadWrite));
            case 2:
                return Keep(Libc.Open("/", Libc.O_RDONLY | Libc.O_CLOEXEC));
            case 3:
                return Keep(PeerSocket.Open(random.Pick(PeerSocketKind.Messages, PeerSocketKind.Stream)));
            case 4:
                var pipe = new AnonymousPipeServerStream();
                _open.Add(pipe);
                return Keep(new SafeFileHandle(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false));
            case 5:
                return Event(random);
            case 6:
                return Memory((long)(random.Odd() >> 1 & 0xFF_FFFF_FFFF));
            case 7:
                return Memory(random.Next(3) << 12, Libc.F_SEAL_SHRINK);
            case 8:
                return Memory(1 << 20, Libc.F_SEAL_SHRINK | SealGrow | SealWrite);
            case 9:
                return Keep(File.OpenHandle($"/proc/self/fd/{(int)Memory(1 << 20).DangerousGetHandle()}"));
            default:
                return Keep(File.OpenHandle(Environment.ProcessPath!));
        }
    }

    /// <summary>An eventfd as peers have it, or a blocking one, one that counts down, or one that is full.</summary>
    public SafeFileHandle Event(Random random)
    {
        int flags = Libc.EFD_CLOEXEC | (random.OneIn(2) ? Libc.EFD_NONBLOCK : 0) | (random.OneIn(4) ? Semaphore : 0);
        SafeFileHandle file = Keep(Libc.EventFd(random.OneIn(4) ? uint.MaxValue : 0u, flags));
        if (random.OneIn(4))
            Fill(file);
        return file;
    }

    /// <summary>Makes an eventfd so full that a write to it waits.</summary>
    private static void Fill(SafeFileHandle file)
    {
        ulong count;
        ulong most = ulong.MaxValue - 1;
        _ = Libc.Fcntl(file, Libc.F_SETFL, Libc.O_NONBLOCK);
        _ = Libc.Read(file, &count, sizeof(ulong));
        _ = Libc.Write(file, &most, sizeof(ulong));
    }

    /// <summary>Lets reads and writes of an eventfd wait, also those of whoever was sent it. Nobody here may touch it afterwards.</summary>
    public static void Spoil(Random random, SafeFileHandle file)
    {
        if (random.OneIn(2))
            Fill(file);
        _ = Libc.Fcntl(file, Libc.F_SETFL, 0);
    }

    /// <summary>A file in memory.</summary>
    public SafeFileHandle Memory(long length, int seals = 0)
    {
        SafeFileHandle file = Keep(Libc.MemfdCreate("fuzzed", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING));
        _ = Libc.Ftruncate(file, length);
        if (seals != 0)
            _ = Libc.Fcntl(file, Libc.F_ADD_SEALS, seals);
        return file;
    }

    public void Dispose()
    {
        _open.ForEach(static file => file.Dispose());
        _open.Clear();
    }

    private SafeFileHandle Keep(SafeFileHandle file)
    {
        _open.Add(file);
        return file;
    }
}
