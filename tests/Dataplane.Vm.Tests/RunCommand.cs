using CommandLine;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests;

/// <summary>A command in a guest, by hand.</summary>
[Verb("run", isDefault: true, HelpText = "Run a shell command in a guest, which sees the files of this machine; NIC0, NIC1, ... are its NICs.")]
internal sealed class RunCommand
{
    [Option("nic", Separator = ',', HelpText = "Models of the guest's NICs, with commas between them: e1000, e1000e, igb, virtio, virtio-packed, vmxnet3.")]
    public IEnumerable<string> Nics { get; init; } = [];

    [Option("bind", HelpText = "Give the NICs to vfio-pci.")]
    public bool Bind { get; init; }

    [Option("no-iommu", HelpText = "Leave the IOMMU out; vfio-pci then works in its no-IOMMU mode.")]
    public bool WithoutIommu { get; init; }

    [Value(0, MetaName = "COMMAND", Required = true, HelpText = "What to run, behind --.")]
    public IEnumerable<string> Words { get; init; } = [];

    public int Run()
    {
        using Guest guest = Guest.Boot(new GuestOptions { Nics = [.. Nics.Select(name => NicModel.ByName[name])], HasIommu = !WithoutIommu });
        if (Bind)
            Devbind.BindToVfio(guest, guest.PciAddresses);
        string variables = string.Concat(guest.PciAddresses.Select((address, index) => $"export NIC{index}={address}\n"));
        GuestCommand command = guest.Start(variables + string.Join(' ', Words));
        int output = 0, errors = 0;
        bool ended;
        do
        {
            ended = command.HasExited;
            output += Show(command.Output, output, Console.Out);
            errors += Show(command.Errors, errors, Console.Error);
            Thread.Sleep(ended ? 0 : 50);
        }
        while (!ended);
        return command.WaitForExit();
    }

    private static int Show(string text, int shown, TextWriter writer)
    {
        writer.Write(text[shown..]);
        writer.Flush();
        return text.Length - shown;
    }
}
