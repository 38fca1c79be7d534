namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>A driver did what the data sheet forbids; the message names the section.</summary>
#pragma warning disable CA1064 // Nobody catches it: it fails the test.
internal sealed class DataSheetException(string message) : Exception(message);
#pragma warning restore CA1064

/// <summary>What software may do with a register.</summary>
internal enum Access
{
    /// <summary>Reads back what was written.</summary>
    ReadWrite,

    /// <summary>Only the device writes it.</summary>
    ReadOnly,

    /// <summary>Writing has an effect; reading has no meaning.</summary>
    WriteOnly,

    /// <summary>A statistics register: zero behind each read.</summary>
    ClearOnRead,
}

/// <summary>A register as the data sheet has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Section">Where it is described.</param>
/// <param name="Reset">Its value behind a reset.</param>
/// <param name="Writable">The bits that software may change; the others are reserved.</param>
/// <param name="Access">What software may do.</param>
/// <param name="IsUndefined">Whether the data sheet leaves its value behind a reset open: software has to write it before it counts.</param>
internal sealed record Register(
    string Name,
    string Section,
    uint Reset = 0,
    uint Writable = uint.MaxValue,
    Access Access = Access.ReadWrite,
    bool IsUndefined = false);

/// <summary>The registers of a device model: values, who may write what, and what happens then.</summary>
/// <param name="complain">Told of what a data sheet forbids.</param>
internal sealed class RegisterFile(Action<string> complain)
{
    private readonly Dictionary<int, Register> _registers = [];
    private readonly Dictionary<int, uint> _values = [];
    private readonly Dictionary<int, Action<uint, uint>> _onWrite = [];
    private readonly Dictionary<int, Func<uint, uint>> _onRead = [];
    private readonly Dictionary<int, (int Reads, Action Then)> _later = [];
    private readonly HashSet<int> _undefined = [];

    /// <summary>The value as the device sees it, without any effect.</summary>
    public uint this[int offset]
    {
        get => _values[offset];
        set => _values[offset] = value;
    }

    /// <summary>Registers that are undefined because software has not written them since the last reset.</summary>
    public IEnumerable<string> Undefined => _undefined.Order().Select(offset => _registers[offset].Name);

    /// <summary>Adds a register.</summary>
    public void Add(int offset, Register register)
    {
        _registers.Add(offset, register);
        _values.Add(offset, register.Reset);
    }

    /// <summary>Adds registers that are alike.</summary>
    public void AddArray(int first, int count, int stride, Register register)
    {
        for (int i = 0; i < count; i++)
            Add(first + (i * stride), register with { Name = $"{register.Name}[{i}]" });
    }

    /// <summary>Does something when software writes a register: given the value before and the one written, which is there already.</summary>
    public void OnWrite(int offset, Action<uint, uint> action) => _onWrite.Add(offset, action);

    /// <summary>Decides what software reads.</summary>
    public void OnRead(int offset, Func<uint, uint> value) => _onRead.Add(offset, value);

    /// <summary>Does something when software has read a register some times: devices take their time.</summary>
    public void After(int reads, int offset, Action then) => _later[offset] = (reads, then);

    /// <summary>Sets all registers as a reset does.</summary>
    public void Reset()
    {
        var garbage = new Random(82599);
        _later.Clear();
        foreach ((int offset, Register register) in _registers)
        {
            _values[offset] = register.IsUndefined ? (uint)garbage.NextInt64(1L << 32) & register.Writable : register.Reset;
            if (register.IsUndefined)
                _undefined.Add(offset);
        }
    }

    /// <summary>Software reads.</summary>
    public uint Read(int offset)
    {
        if (!_registers.TryGetValue(offset, out Register? register))
        {
            complain($"8.2.2: read of 0x{offset:x}, where no register is");
            return 0;
        }

        if (_later.TryGetValue(offset, out (int Reads, Action Then) later))
        {
            _later[offset] = later with { Reads = later.Reads - 1 };
            if (later.Reads == 1)
            {
                _later.Remove(offset);
                later.Then();
            }
        }

        uint value = _values[offset];
        if (register.Access == Access.ClearOnRead)
            _values[offset] = 0;
        return _onRead.TryGetValue(offset, out Func<uint, uint>? read) ? read(value) : value;
    }

    /// <summary>Software writes.</summary>
    public void Write(int offset, uint value)
    {
        if (!_registers.TryGetValue(offset, out Register? register))
        {
            complain($"8.2.2: write of 0x{value:x} to 0x{offset:x}, where no register is");
            return;
        }

        uint before = _values[offset];
        uint reserved = (register.Access == Access.WriteOnly ? value : value ^ before) & ~register.Writable;
        if (register.Access is Access.ReadOnly or Access.ClearOnRead)
            complain($"{register.Section}: {register.Name} cannot be written");
        else if (reserved != 0)
            complain($"{register.Section}: reserved bits 0x{reserved:x} of {register.Name} changed by a write of 0x{value:x}");
        _values[offset] = value;
        try
        {
            if (_onWrite.TryGetValue(offset, out Action<uint, uint>? action))
                action(before, value);
            _undefined.Remove(offset);
        }
        catch (DataSheetException)
        {
            _values[offset] = before;
            throw;
        }
    }
}
