using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// Region 0 of a client: all C2S rings, all S2C rings, and without zero-copy a buffer for each descriptor. The file is
/// sealed, so that the server need not fear that it shrinks.
/// </summary>
internal sealed unsafe class MemifOwnRegion : IDisposable
{
    private readonly uint _buffersStart;
    private readonly uint _bufferStride;
    private readonly int _log2RingSize;

    /// <summary>Makes the memory and all rings, empty.</summary>
    /// <param name="device">The device's name, for messages.</param>
    /// <param name="options">Of the port.</param>
    /// <param name="layout">Of the rings.</param>
    /// <param name="log2RingSize">Of the rings.</param>
    /// <param name="c2sRings">How many.</param>
    /// <param name="s2cRings">How many.</param>
    /// <exception cref="DataplaneException">There is no memory.</exception>
    public MemifOwnRegion(
        string device, MemifOptions options, MemifRingLayout layout, int log2RingSize, int c2sRings, int s2cRings)
    {
        Layout = layout;
        RingCount = c2sRings + s2cRings;
        _log2RingSize = log2RingSize;
        _bufferStride = options.BufferStride;
        _buffersStart = (uint)(RingCount * layout.LengthOf(log2RingSize));
        Length = LengthOf(options, layout, log2RingSize, RingCount);
        Handle = Libc.MemfdCreate($"memif-{device}", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
        try
        {
            if (Handle.IsInvalid || Libc.Ftruncate(Handle, (long)Length) != 0 || Libc.Fcntl(Handle, Libc.F_ADD_SEALS, Libc.F_SEAL_SHRINK) != 0)
                throw Refused(device);
            void* mapped = Libc.Mmap(
                null, (nuint)Length, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED | Libc.MAP_POPULATE, Handle, 0);
            if (mapped == Libc.MapFailed)
                throw Refused(device);
            Address = (byte*)mapped;
        }
        catch
        {
            Handle.Dispose();
            throw;
        }

        for (int i = 0; i < RingCount; i++)
            *RingAt(i).Cookie = MemifNumbers.Cookie;
        WriteDescriptors(options);
    }

    /// <summary>The file, for the server; owned by this object.</summary>
    public SafeFileHandle Handle { get; }

    public byte* Address { get; }

    /// <summary>Bytes.</summary>
    public ulong Length { get; }

    public MemifRingLayout Layout { get; }

    /// <summary>Rings of both directions.</summary>
    public int RingCount { get; }

    /// <summary>Bytes of such a region.</summary>
    public static ulong LengthOf(MemifOptions options, MemifRingLayout layout, int log2RingSize, int rings)
    {
        ulong buffers = options.ZeroCopy ? 0 : (ulong)options.BufferStride << log2RingSize;
        return (ulong)rings * ((ulong)layout.LengthOf(log2RingSize) + buffers);
    }

    /// <summary>Where a ring starts; C2S rings come first.</summary>
    public uint OffsetOfRing(int index) => (uint)(index * Layout.LengthOf(_log2RingSize));

    /// <summary>Where the buffers of a ring start.</summary>
    public uint OffsetOfBuffers(int index) => _buffersStart + ((uint)index * (_bufferStride << _log2RingSize));

    public MemifRing RingAt(int index) => new(Address + OffsetOfRing(index), Layout, _log2RingSize);

    public void Dispose()
    {
        _ = Libc.Munmap(Address, (nuint)Length);
        Handle.Dispose();
    }

    /// <summary>Servers may look at the descriptors before anything flows: to find out how rings are laid out, ours does.</summary>
    private void WriteDescriptors(MemifOptions options)
    {
        if (options.ZeroCopy)
            return;
        for (int i = 0; i < RingCount; i++)
        {
            MemifRing ring = RingAt(i);
            var descriptors = (MemifDescriptor*)ring.Descriptors;
            for (uint slot = 0; slot < (uint)ring.Size; slot++)
            {
                descriptors[slot] = new MemifDescriptor
                {
                    Length = (uint)options.BufferSize,
                    Offset = OffsetOfBuffers(i) + (slot * _bufferStride),
                };
            }
        }
    }

    private DataplaneException Refused(string device) => new(
        $"{device} cannot share {Length >> 10} KiB of memory: {Errno.DescribeLast()}",
        "give the container more memory, or the port smaller rings (rsize=) or buffers (bsize=)");
}
