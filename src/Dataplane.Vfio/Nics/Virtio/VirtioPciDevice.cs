using System.Diagnostics;
using Dataplane.Vfio.Devices;
using Dataplane.Virtio;
using static Dataplane.Vfio.Nics.Virtio.VirtioPciRegisters;

namespace Dataplane.Vfio.Nics.Virtio;

/// <summary>A virtio device on PCI in its modern mode (virtio 1.2, section 4.1): status, features, queues. Control plane.</summary>
internal sealed class VirtioPciDevice<TRegisters>
    where TRegisters : struct, IRegisterSpace
{
    /// <summary>What every register of a device that was pulled out reads as.</summary>
    private const VirtioStatus Gone = (VirtioStatus)0xFF;

    /// <summary>Generations of the configuration that one read looks at: a device that changes it for ever must not keep us.</summary>
    private const int MostGenerations = 100;

    private static readonly TimeSpan ResetAtMost = TimeSpan.FromSeconds(1);

    private readonly VirtioPciStructure _common;
    private readonly VirtioPciStructure _notify;
    private readonly VirtioPciStructure _isr;
    private readonly VirtioPciStructure _config;
    private readonly TRegisters _commonRegisters;
    private readonly TRegisters _notifyRegisters;
    private readonly TRegisters _isrRegisters;
    private readonly TRegisters _configRegisters;

    /// <exception cref="DataplaneException">The function has no modern mode, or its structures are not where it says.</exception>
    public VirtioPciDevice(IPciFunction<TRegisters> function, int configLength)
    {
        Name = function.Name;
        _common = VirtioPciStructure.Find(function, VirtioPciStructure.Common, VirtioPciRegisters.Length);
        _notify = VirtioPciStructure.Find(function, VirtioPciStructure.Notify, sizeof(ushort));
        _isr = VirtioPciStructure.Find(function, VirtioPciStructure.Isr, sizeof(byte));
        _config = VirtioPciStructure.Find(function, VirtioPciStructure.Device, configLength);
        _commonRegisters = function.OpenBar(_common.Bar);
        _notifyRegisters = function.OpenBar(_notify.Bar);
        _isrRegisters = function.OpenBar(_isr.Bar);
        _configRegisters = function.OpenBar(_config.Bar);
    }

    /// <summary>The function's name, for messages.</summary>
    public string Name { get; }

    /// <summary>Queues that the device has.</summary>
    public int QueueCount => Read16(NumQueues);

    /// <summary>Bytes of the device's configuration.</summary>
    public int ConfigLength => _config.Length;

    /// <summary>What the device says of its state; all ones if it is gone. Any thread.</summary>
    public VirtioStatus Status
    {
        get => (VirtioStatus)_commonRegisters.Read8(_common.Offset + DeviceStatus);
        private set => _commonRegisters.Write8(_common.Offset + DeviceStatus, (byte)value);
    }

    /// <summary>
    /// Resets the device: it touches no memory any more (section 4.1.4.3.2 has the driver wait for it). One that is gone
    /// already touches none either.
    /// </summary>
    /// <exception cref="DataplaneException">It does not finish.</exception>
    public void Reset()
    {
        Status = VirtioStatus.Reset;
        long start = Stopwatch.GetTimestamp();
        while (Status is not (VirtioStatus.Reset or Gone))
        {
            if (Stopwatch.GetElapsedTime(start) > ResetAtMost)
            {
                throw new DataplaneException(
                    $"{Name}: the device does not reset within {ResetAtMost.TotalSeconds} s: device_status reads 0x{(byte)Status:x2}",
                    "look at the host's side of the device, and restart the machine");
            }

            Thread.Sleep(1);
        }
    }

    /// <summary>Resets the device, says that a driver is there and reads what the device offers (section 3.1.1).</summary>
    public VirtioFeatures Begin()
    {
        Reset();
        if (Status == Gone)
        {
            throw new DataplaneException(
                $"{Name} does not answer: its registers read as all ones",
                "check that the device is still there: the host may have taken it away");
        }

        Status = VirtioStatus.Acknowledge;
        Status = VirtioStatus.Acknowledge | VirtioStatus.Driver;
        Write32(DeviceFeatureSelect, 0);
        ulong features = Read32(DeviceFeature);
        Write32(DeviceFeatureSelect, 1);
        return (VirtioFeatures)(features | ((ulong)Read32(DeviceFeature) << 32));
    }

    /// <summary>Accepts features; behind it queues can be set up.</summary>
    /// <exception cref="DataplaneException">The device does not agree.</exception>
    public void Accept(VirtioFeatures features)
    {
        Write32(DriverFeatureSelect, 0);
        Write32(DriverFeature, (uint)features);
        Write32(DriverFeatureSelect, 1);
        Write32(DriverFeature, (uint)((ulong)features >> 32));
        Status |= VirtioStatus.FeaturesOk;
        if ((Status & VirtioStatus.FeaturesOk) == 0)
        {
            Status |= VirtioStatus.Failed;
            throw new DataplaneException($"{Name}: the device does not accept the features {features}, which it offered");
        }
    }

    /// <summary>Most descriptors of a queue; 0 if there is no such queue. Behind a reset, before it is set up.</summary>
    public int MaxSizeOf(int queue)
    {
        Write16(QueueSelect, (ushort)queue);
        return Read16(QueueSize);
    }

    /// <summary>The doorbell of a queue.</summary>
    /// <exception cref="DataplaneException">It is not where the device says.</exception>
    public PciNotifier<TRegisters> NotifierOf(int queue, VirtioFeatures features)
    {
        bool withPosition = (features & VirtioFeatures.NotificationData) != 0;
        Write16(QueueSelect, (ushort)queue);
        ulong offset = (ulong)Read16(QueueNotifyOff) * _notify.NotifyMultiplier;
        int width = withPosition ? sizeof(uint) : sizeof(ushort);
        if (offset + (ulong)width > (ulong)_notify.Length)
            throw new DataplaneException($"{Name}: the doorbell of queue {queue} is at {offset}, behind the end of its structure at {_notify.Length}");
        return new PciNotifier<TRegisters>(_notifyRegisters, _notify.Offset + (int)offset, (ushort)queue, withPosition);
    }

    /// <summary>Shows the device a queue.</summary>
    /// <param name="queue">Its number.</param>
    /// <param name="size">Descriptors.</param>
    /// <param name="addresses">Where it is.</param>
    /// <param name="vector">MSI-X vector, or <see cref="NoVector"/>.</param>
    /// <exception cref="DataplaneException">The device has no room for the vector.</exception>
    public void EnableQueue(int queue, int size, VirtqueueAddresses addresses, ushort vector)
    {
        Write16(QueueSelect, (ushort)queue);
        Write16(QueueSize, (ushort)size);
        Write64(QueueDesc, addresses.Descriptors);
        Write64(QueueDriver, addresses.Driver);
        Write64(QueueDevice, addresses.Device);
        SetVector(QueueMsixVector, vector, $"queue {queue}");
        Write16(QueueEnable, 1);
    }

    /// <summary>Chooses the MSI-X vector of configuration changes, or <see cref="NoVector"/>.</summary>
    /// <exception cref="DataplaneException">The device has no room for the vector.</exception>
    public void SetConfigVector(ushort vector) => SetVector(ConfigMsixVector, vector, "configuration changes");

    /// <summary>Lets the device work.</summary>
    public void Go() => Status |= VirtioStatus.DriverOk;

    /// <summary>Takes an INTx interrupt away; of no meaning with MSI-X (section 4.1.4.5).</summary>
    public void ClearInterrupt() => _ = _isrRegisters.Read8(_isr.Offset);

    /// <summary>Reads of the device's configuration.</summary>
    public byte ReadConfig8(int offset) => _configRegisters.Read8(_config.Offset + offset);

    /// <inheritdoc cref="ReadConfig8"/>
    public ushort ReadConfig16(int offset) => _configRegisters.Read16(_config.Offset + offset);

    /// <inheritdoc cref="ReadConfig8"/>
    public uint ReadConfig32(int offset) => _configRegisters.Read32(_config.Offset + offset);

    /// <summary>Reads what is longer than a register, of one generation of the configuration (section 4.1.4.3.2).</summary>
    public void ReadConfig(int offset, Span<byte> bytes)
    {
        byte generation;
        int rounds = 0;
        do
        {
            generation = _commonRegisters.Read8(_common.Offset + ConfigGeneration);
            for (int i = 0; i < bytes.Length; i++)
                bytes[i] = ReadConfig8(offset + i);
        }
        while (_commonRegisters.Read8(_common.Offset + ConfigGeneration) != generation && ++rounds < MostGenerations);
    }

    private void SetVector(int register, ushort vector, string what)
    {
        Write16(register, vector);
        if (Read16(register) != vector)
        {
            throw new DataplaneException(
                $"{Name}: the device has no room for the interrupt of {what}",
                "configure fewer queues, or QEMU: give -device virtio-net-pci more vectors=");
        }
    }

    private ushort Read16(int register) => _commonRegisters.Read16(_common.Offset + register);

    private uint Read32(int register) => _commonRegisters.Read32(_common.Offset + register);

    private void Write16(int register, ushort value) => _commonRegisters.Write16(_common.Offset + register, value);

    private void Write32(int register, uint value) => _commonRegisters.Write32(_common.Offset + register, value);

    private void Write64(int register, ulong value)
    {
        Write32(register, (uint)value);
        Write32(register + sizeof(uint), (uint)(value >> 32));
    }
}
