using Dataplane.Eal;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Pci;
using Dataplane.Vfio.Vfio;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio;

/// <summary>
/// The PCI devices of a runtime. Their groups are open from the scan on, which says whether there is an IOMMU; a device is
/// opened when its port is made and belongs to the port then.
/// </summary>
internal sealed class PciBusSession(HostFiles files, EalOptions options, ILogger logger) : IBusSession
{
    private readonly List<Claim> _claims = [];
    private VfioContainer? _container;
    private bool _saidWhatIsUsed;

    /// <inheritdoc/>
    public IovaMode? RequiredIovaMode => _container is { IsWithoutIommu: true } ? IovaMode.Pa : null;

    /// <inheritdoc/>
    public IReadOnlyList<BusDevice> Devices => [.. _claims.Select(claim => claim.Device)];

    /// <summary>Opens the group of a device, which then is the next of <see cref="Devices"/>.</summary>
    /// <exception cref="DataplaneException">The group is not for us. Where nobody has asked for the device, it is left out instead.</exception>
    public void Take(SelectedDevice selected, INicDriver driver)
    {
        PciDevice pci = selected.Device;
        try
        {
            _container ??= new VfioContainer(files);
            VfioGroup group = _container.Join(pci);
            var device = new BusDevice(pci.Address, driver.Name, pci.NumaNode);
            _claims.Add(new Claim(device, pci, driver, selected.Arguments, selected.Choice) { Group = group });
        }
        catch (DataplaneException e) when (selected.Choice == DeviceChoice.Found)
        {
            SayNotUsed(pci, e);
        }
    }

    /// <summary>Refuses what excludes that devices without an IOMMU work, before any memory is taken.</summary>
    public void CheckMemory(MemoryOptions memory)
    {
        if (RequiredIovaMode != IovaMode.Pa)
            return;
        string problem = $"{_claims[0].Device.Name} has no IOMMU and must be given physical addresses";
        if (memory.IovaMode == IovaMode.Va)
            throw new DataplaneException($"{problem}, which --iova-mode=va excludes", "leave it out");
        if (memory.NoHuge)
            throw new DataplaneException($"{problem}, which --no-huge excludes: ordinary pages may move", "leave it out");
        try
        {
            Pagemap.Require();
        }
        catch (DataplaneException e)
        {
            throw new DataplaneException(
                $"{problem}, which the kernel tells only with CAP_SYS_ADMIN",
                "run as root; in a pod, securityContext: {capabilities: {add: [SYS_ADMIN, SYS_RAWIO]}}", e);
        }
    }

    /// <inheritdoc/>
    public Port? CreatePort(BusDevice device, PortContext context)
    {
        Claim claim = _claims.Single(candidate => candidate.Device == device);
        SayWhatIsUsed();
        _container!.ShareMemory(context.Memory);
        logger.LogInformation(
            "Probe PCI driver: {Driver} ({Id}) device: {Address} (socket {Node})",
            claim.Driver.Name, claim.Pci.Id, claim.Pci.Address, claim.Pci.NumaNode);
        try
        {
            return Probe(claim, context);
        }
        catch (DataplaneException e) when (claim.Choice == DeviceChoice.Found)
        {
            SayNotUsed(claim.Pci, e);
            return null;
        }
    }

    /// <summary>Gives back the groups of devices that became no ports, and what all devices shared.</summary>
    public void Dispose()
    {
        foreach (Claim claim in _claims)
            claim.Group?.Dispose();
        _claims.Clear();
        _container?.Dispose();
    }

    private Port Probe(Claim claim, PortContext context)
    {
        var function = new VfioFunction(claim.HandOver(), claim.Pci, options.VfioInterrupt, options.VfioVfToken, context.Logger);
        try
        {
            Port port = claim.Driver.Create(context, function, claim.Arguments);
            port.Device = function;
            function.WhenLost(reason =>
            {
                context.Logger.LogWarning("{Device} must be given back: {Reason}", port.Name, reason);
                port.RequestRemoval();
            });
            return port;
        }
        catch
        {
            function.Dispose();
            throw;
        }
    }

    private void SayNotUsed(PciDevice device, DataplaneException reason) =>
        logger.LogInformation("{Device} is not used: {Reason}", device.Address, reason.Message);

    private void SayWhatIsUsed()
    {
        if (_saidWhatIsUsed)
            return;
        _saidWhatIsUsed = true;
        logger.LogInformation("VFIO support initialized");
        logger.LogInformation("Using IOMMU type {Type} ({Name})", _container!.Iommu, _container.Iommu switch
        {
            VfioNumbers.VFIO_NOIOMMU_IOMMU => "No-IOMMU",
            VfioNumbers.VFIO_TYPE1v2_IOMMU => "Type 1v2",
            _ => "Type 1",
        });
    }

    /// <summary>A device that is to become a port.</summary>
    private sealed record Claim(
        BusDevice Device, PciDevice Pci, INicDriver Driver, Devargs Arguments, DeviceChoice Choice)
    {
        /// <summary>Its group; null once the device's function has it.</summary>
        public VfioGroup? Group { get; set; }

        public VfioGroup HandOver()
        {
            VfioGroup group = Group ?? throw new InvalidOperationException($"{Device.Name} has a port already");
            Group = null;
            return group;
        }
    }
}
