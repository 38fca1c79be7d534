namespace Dataplane.Testing;

/// <summary>A PCI function of a <see cref="FakeMachine"/>, as sysfs shows it; an 82599ES on an Intel board unless a test says otherwise.</summary>
internal sealed record FakePciFunction(string Address)
{
    public string Id { get; init; } = "8086:10fb";

    public int Class { get; init; } = 0x020000;

    public string? Driver { get; init; } = "ixgbe";

    public int? Group { get; init; }

    public int NumaNode { get; init; } = -1;

    public IReadOnlyList<string> Interfaces { get; init; } = [];

    public string? PhysicalFunction { get; init; }

    public IReadOnlyList<string> VirtualFunctions { get; init; } = [];

    /// <summary>Writes its files.</summary>
    public void AddTo(FakeMachine machine)
    {
        string directory = $"/sys/bus/pci/devices/{Address}";
        string[] ids = Id.Split(':');
        machine[$"{directory}/vendor"] = $"0x{ids[0]}";
        machine[$"{directory}/device"] = $"0x{ids[1]}";
        machine[$"{directory}/subsystem_vendor"] = "0x8086";
        machine[$"{directory}/subsystem_device"] = "0x0003";
        machine[$"{directory}/class"] = $"0x{Class:x6}";
        machine[$"{directory}/numa_node"] = $"{NumaNode}";
        machine[$"{directory}/driver_override"] = "(null)";
        machine[$"{directory}/modalias"] =
            $"pci:v0000{ids[0].ToUpperInvariant()}d0000{ids[1].ToUpperInvariant()}sv00008086sd00000003bc02sc00i00";
        if (Driver is not null)
            machine.Link($"{directory}/driver", $"../../drivers/{Driver}");
        if (Group is { } group)
        {
            machine.Link($"{directory}/iommu_group", $"../../../../kernel/iommu_groups/{group}");
            machine.Link($"/sys/kernel/iommu_groups/{group}/devices/{Address}", $"../../../../bus/pci/devices/{Address}");
        }

        foreach (string name in Interfaces)
            AddInterface(machine, name);
        if (PhysicalFunction is not null)
            machine.Link($"{directory}/physfn", $"../{PhysicalFunction}");
        for (int i = 0; i < VirtualFunctions.Count; i++)
            machine.Link($"{directory}/virtfn{i}", $"../{VirtualFunctions[i]}");
    }

    /// <summary>virtio's interfaces are below the device that its driver makes.</summary>
    private void AddInterface(FakeMachine machine, string name)
    {
        string parent = Driver == "virtio-pci" ? $"{Address}/virtio0" : Address;
        machine[$"/sys/bus/pci/devices/{parent}/net/{name}/flags"] = "0x1003";
        machine.Link($"/sys/class/net/{name}", $"../../bus/pci/devices/{parent}/net/{name}");
    }
}
