using System.Globalization;
using Dataplane.Testing;
using Dataplane.Vdev.AfXdp;
using Dataplane.Vdev.Kernel;
using Dataplane.Vdev.Tests.Kernel;

namespace Dataplane.Vdev.Tests.AfXdp;

/// <summary>How the program comes to the interface, and that nothing of it stays.</summary>
[Collection(KernelPortsCollection.Name)]
public sealed class XdpAttachmentTests : IDisposable
{
    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();
    private readonly RecordingLogger _log = new();

    public XdpAttachmentTests() => VethPair.Connect(_near, "dut", _far, "peer");

    private string State => _near.Ip("-d", "link", "show", "dut");

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_program_is_attached_in_driver_mode_and_gone_when_it_is_disposed(bool byNetlink)
    {
        using KernelInterface iface = Open("dut");
        using XdpProgram program = XdpProgram.LoadOwn("test", 4);
        using (XdpAttachment attachment = Attach(iface, program, byNetlink))
        {
            Assert.False(attachment.IsGeneric);
            Assert.Contains("prog/xdp", State, StringComparison.Ordinal);
            Assert.DoesNotContain("xdpgeneric", State, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("xdp", State, StringComparison.Ordinal);
        Assert.Empty(_log.Lines);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Where_the_driver_has_no_XDP_it_runs_in_generic_mode_with_a_notice(bool byNetlink)
    {
        _near.Ip("link", "add", "br0", "type", "bridge");
        using KernelInterface iface = Open("br0");
        using XdpProgram program = XdpProgram.LoadOwn("test", 4);
        using XdpAttachment attachment = Attach(iface, program, byNetlink);
        Assert.True(attachment.IsGeneric);
        Assert.Contains("xdpgeneric", _near.Ip("link", "show", "br0"), StringComparison.Ordinal);
        Assert.Equal(
            "test: XDP runs in generic mode on br0, which is slower, because its driver refuses it: Operation not supported",
            Assert.Single(_log.Lines));
    }

    [Fact]
    public void What_a_killed_process_left_behind_is_removed()
    {
        using KernelInterface iface = Open("dut");
        using XdpProgram program = XdpProgram.LoadOwn("test", 4);
        // By netlink a program stays when its descriptors are closed, and nobody detaches it.
        int id;
        using (XdpProgram earlier = XdpProgram.LoadOwn("test", 4))
            id = LeaveBehind(earlier);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"prog/xdp id {id}"), State, StringComparison.Ordinal);
        using (Attach(iface, program, byNetlink: false))
            Assert.DoesNotContain(string.Create(CultureInfo.InvariantCulture, $"prog/xdp id {id} "), State, StringComparison.Ordinal);
        Assert.DoesNotContain("xdp", State, StringComparison.Ordinal);
    }

    [Fact]
    public void The_program_of_somebody_else_is_left_alone()
    {
        using KernelInterface iface = Open("dut");
        using XdpProgram first = XdpProgram.LoadOwn("test", 4);
        using XdpProgram second = XdpProgram.LoadOwn("test", 4);
        using XdpAttachment attachment = Attach(iface, first, byNetlink: false);
        string before = State;
        DataplaneException error = Assert.Throws<DataplaneException>(() => Attach(iface, second, byNetlink: false));
        Assert.StartsWith("test cannot attach its XDP program to dut: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("or detach it with 'ip link set dev dut xdp off'", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, State);
    }

    private KernelInterface Open(string name) => _near.Invoke(() => new KernelInterface("test", name));

    private XdpAttachment Attach(KernelInterface iface, XdpProgram program, bool byNetlink) =>
        _near.Invoke(() => new XdpAttachment("test", iface, program, _log, byNetlink));

    /// <summary>Attaches by netlink with iproute2, which detaches nothing; returns the program's id.</summary>
    private int LeaveBehind(XdpProgram program)
    {
        using var folder = new TemporaryBpfFolder();
        Assert.Equal(0, BpfCalls.Pin(program.Handle, folder["program"]));
        _near.Ip("link", "set", "dev", "dut", "xdp", "pinned", folder["program"]);
        Assert.True(BpfCalls.TryDescribe(program.Handle, out Dataplane.Linux.BpfProgInfo info, out uint[] maps));
        Assert.Single(maps);
        return (int)info.Id;
    }
}
