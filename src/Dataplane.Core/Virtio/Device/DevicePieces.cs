namespace Dataplane.Virtio;

/// <summary>Puts the pieces of a buffer together, checked against the driver's memory.</summary>
internal unsafe struct DevicePieces(DeviceRingOptions options)
{
    private readonly DevicePiece* _pieces = (DevicePiece*)options.Pieces;

    /// <summary>The driver's memory.</summary>
    public GuestMemory Memory = new(options.Memory);

    /// <summary>Pieces so far.</summary>
    public int Count { get; private set; }

    /// <summary>Starts with another buffer.</summary>
    public void Clear() => Count = 0;

    /// <summary>Adds what a descriptor refers to, which may cross from one region into the next. Nothing is no piece.</summary>
    public RingViolation Append(ulong address, uint length)
    {
        while (length != 0)
        {
            byte* data = Memory.FindPart(address, length, out uint part);
            if (data == null)
                return RingViolation.AddressOutOfRange;
            if (Count == DeviceBuffer.MaxPieces)
                return RingViolation.TooManyPieces;
            _pieces[Count++] = new DevicePiece { Data = data, Length = part };
            address += part;
            length -= part;
        }

        return RingViolation.None;
    }

    /// <summary>The buffer that the pieces are.</summary>
    public readonly DeviceBuffer ToBuffer(uint token) => Count switch
    {
        0 => new DeviceBuffer { Token = token },
        1 => new DeviceBuffer { Data = _pieces->Data, Length = _pieces->Length, PieceCount = 1, Token = token },
        _ => new DeviceBuffer { PieceCount = Count, Token = token },
    };
}
