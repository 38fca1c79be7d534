namespace Dataplane.Vm.Tests.Rig;

/// <summary>A NIC of a guest.</summary>
/// <param name="Index">Its place among the guest's NICs.</param>
/// <param name="Model">What it is.</param>
/// <param name="Socket">Where its cable ends: QEMU listens at this abstract address.</param>
internal sealed record GuestNic(int Index, NicModel Model, string Socket)
{
    private const int Bridge = 0x0F;
    private const int FirstPort = 0x10;

    /// <summary>QEMU's name of it, for its monitor.</summary>
    public string Id => $"nic{Index}";

    /// <summary>Its MAC address.</summary>
    public byte[] MacAddress => [0x52, 0x54, 0, 0, 1, (byte)Index];

    /// <summary>The words of QEMU's command line for the bridge of all bridged NICs.</summary>
    public static IEnumerable<string> BridgeArguments => ["-device", $"pcie-pci-bridge,id=bridge,addr={Bridge:x}.0"];

    /// <summary>Where the guest's kernel has it, in a folder that has no other device of this slot.</summary>
    public string SysfsPattern => Model.IsBridged
        ? $"/sys/bus/pci/devices/0000:00:{Bridge:x2}.0/*:{Index + 1:x2}.0"
        : $"/sys/bus/pci/devices/0000:00:{FirstPort + Index:x2}.0/*:00.0";

    /// <summary>The words of QEMU's command line.</summary>
    public IEnumerable<string> QemuArguments()
    {
        yield return "-netdev";
        yield return $"stream,id=wire{Index},server=on,addr.type=unix,addr.path={Socket},addr.abstract=on";
        if (!Model.IsBridged)
        {
            yield return "-device";
            yield return $"pcie-root-port,id=port{Index},chassis={Index + 1},addr={FirstPort + Index:x}.0";
        }

        // Without the option ROM, which nobody boots from.
        string place = Model.IsBridged ? $"bus=bridge,addr={Index + 1:x}.0" : $"bus=port{Index}";
        yield return "-device";
        yield return $"{Model.Device},id={Id},netdev=wire{Index},mac={string.Join(':', MacAddress.Select(octet => $"{octet:x2}"))},romfile=,{place}";
    }
}
