using System.Runtime.CompilerServices;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Vhost;

/// <summary>Reads a buffer of several pieces from its start on.</summary>
internal unsafe struct DeviceReader
{
    private DevicePiece* _piece;
    private uint _offset;

    public DeviceReader(DevicePiece* pieces, int count)
    {
        _piece = pieces;
        for (int i = 0; i < count; i++)
            Left += pieces[i].Length;
    }

    /// <summary>Bytes that were not read yet.</summary>
    public ulong Left { get; private set; }

    /// <summary>Reads; so many bytes must be left.</summary>
    public void Read(byte* destination, uint length)
    {
        Left -= length;
        while (length != 0)
        {
            uint part = Math.Min(_piece->Length - _offset, length);
            Unsafe.CopyBlockUnaligned(destination, _piece->Data + _offset, part);
            destination += part;
            length -= part;
            _offset += part;
            if (_offset != _piece->Length)
                continue;
            _piece++;
            _offset = 0;
        }
    }
}
