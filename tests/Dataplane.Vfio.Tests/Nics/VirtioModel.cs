using System.Buffers.Binary;
using Dataplane.Linux;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Virtio;
using Dataplane.Virtio;

namespace Dataplane.Vfio.Tests.Nics;

/// <summary>
/// A virtio network device as far as it is asked before it has queues: structures, features, configuration. All structures
/// lie in BAR 0.
/// </summary>
internal sealed class VirtioModel : IPciFunction<VirtioModelRegisters>
{
    /// <summary>Where the device's configuration lies in the BAR.</summary>
    public const int ConfigOffset = 0x80;

    private const int BarBytes = 0x200;

    public VirtioModel(VirtioFeatures features)
    {
        Features = features;
        var configuration = new ByteConfiguration();
        configuration.AddStructure(0x40, next: 0x50, VirtioPciStructure.Common, offset: 0, VirtioPciRegisters.Length);
        configuration.AddStructure(0x50, next: 0x60, VirtioPciStructure.Isr, offset: 0x40, length: 1);
        configuration.AddStructure(0x60, next: 0x70, VirtioPciStructure.Device, ConfigOffset, VirtioNetConfig.Length);
        configuration.AddStructure(0x70, next: 0, VirtioPciStructure.Notify, offset: 0x100, length: 0x100);
        Configuration = configuration;
    }

    /// <summary>What it offers.</summary>
    public VirtioFeatures Features { get; }

    /// <summary>Its configuration.</summary>
    public byte[] Config { get; } = new byte[VirtioNetConfig.Length];

    /// <summary>Counts changes of the configuration.</summary>
    public byte Generation { get; set; }

    /// <summary>Called with the offset before a byte of the configuration is read.</summary>
    public Action<int> ConfigRead { get; set; } = _ => { };

    public string Name => "0000:00:04.0";

    public PciId Id => new(0x1af4, 0x1041);

    public IPciConfiguration Configuration { get; }

    public int InterruptVectors => 0;

    public byte Status { get; set; }

    public uint FeatureSelect { get; set; }

    public VirtioModelRegisters OpenBar(int bar) => new(this);

    public long BarLength(int bar) => bar == 0 ? BarBytes : 0;

    public void SetBusMaster(bool enabled) => throw new NotSupportedException();

    public bool TryReset() => throw new NotSupportedException();

    public void EnableInterrupts(Action onEvent, IReadOnlyList<EventFd> rxQueues) => throw new NotSupportedException();

    public void DisableInterrupts() => throw new NotSupportedException();

    /// <summary>Configuration space with a list of virtio's capabilities (virtio 1.2, section 4.1.4).</summary>
    private sealed class ByteConfiguration : IPciConfiguration
    {
        private readonly byte[] _bytes = new byte[256];

        public ByteConfiguration()
        {
            _bytes[0x06] = 1 << 4;
            _bytes[0x34] = 0x40;
        }

        public void AddStructure(int capability, byte next, byte type, int offset, int length)
        {
            new byte[] { PciCapabilities.VendorSpecific, next, 20, type }.CopyTo(_bytes, capability);
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(capability + 8), offset);
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(capability + 12), length);
        }

        public byte Read8(int offset) => _bytes[offset];

        public ushort Read16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(offset));

        public uint Read32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(offset));

        public void Write16(int offset, ushort value) => throw new NotSupportedException();

        public void Write32(int offset, uint value) => throw new NotSupportedException();
    }
}

/// <summary>The registers of a <see cref="VirtioModel"/>.</summary>
internal readonly struct VirtioModelRegisters(VirtioModel model) : IRegisterSpace
{
    public byte Read8(int offset)
    {
        switch (offset)
        {
            case VirtioPciRegisters.DeviceStatus:
                return model.Status;
            case VirtioPciRegisters.ConfigGeneration:
                return model.Generation;
            default:
                int place = offset - VirtioModel.ConfigOffset;
                model.ConfigRead(place);
                return model.Config[place];
        }
    }

    public ushort Read16(int offset) =>
        BinaryPrimitives.ReadUInt16LittleEndian(model.Config.AsSpan(offset - VirtioModel.ConfigOffset));

    public uint Read32(int offset) => offset == VirtioPciRegisters.DeviceFeature
        ? (uint)((ulong)model.Features >> (model.FeatureSelect == 0 ? 0 : 32))
        : BinaryPrimitives.ReadUInt32LittleEndian(model.Config.AsSpan(offset - VirtioModel.ConfigOffset));

    public void Write8(int offset, byte value) => model.Status = value;

    public void Write16(int offset, ushort value) => throw new NotSupportedException();

    public void Write32(int offset, uint value) => model.FeatureSelect = value;
}
