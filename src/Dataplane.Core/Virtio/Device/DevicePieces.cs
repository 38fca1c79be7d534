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

    /// <summary>
    /// Adds what a descriptor refers to, which may cross from one region into the next. A descriptor of nothing is a piece, too:
    /// their number bounds what a buffer costs us.
    /// </summary>
    public RingViolation Append(ulong address, uint length)
    {
        do
        {
            if (Count == DeviceBuffer.MaxPieces)
                return RingViolation.TooManyPieces;
            uint part = 0;
            byte* data = length == 0 ? null : Memory.FindPart(address, length, out part);
            if (data == null && length != 0)
                return RingViolation.AddressOutOfRange;
            _pieces[Count++] = new DevicePiece { Data = data, Length = part };
            address += part;
            length -= part;
        }
        while (length != 0);
        return RingViolation.None;
    }

    /// <summary>The buffer that the pieces are.</summary>
    public readonly DeviceBuffer ToBuffer(uint token) => Count switch
    {
        1 => new DeviceBuffer { Data = _pieces->Data, Length = _pieces->Length, PieceCount = 1, Token = token },
        _ => new DeviceBuffer { PieceCount = Count, Token = token },
    };
}
