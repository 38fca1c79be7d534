using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Vdev.AfXdp;
using Dataplane.Vdev.Kernel;
using Dataplane.Vdev.Tests.Kernel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Vdev.Tests.AfXdp;

/// <summary>Programs and maps that are not the port's own: of the device plugin, pinned, in object files.</summary>
[Collection(KernelPortsCollection.Name)]
public sealed class ForeignProgramTests : IDisposable
{
    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();
    private readonly TemporaryFolder _folder = new();

    public ForeignProgramTests() => VethPair.Connect(_near, "dut", _far, "peer");

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_device_plugin_hands_its_map_over_and_frames_flow()
    {
        using XdpProgram program = XdpProgram.LoadOwn("plugin", 4);
        using XdpAttachment attachment = Attach(program);
        using var plugin = new FakeDevicePlugin { Map = program.Map.Handle };
        using (var port = new KernelPort(_near, $"net_af_xdp0,iface=dut,use_cni=1,dp_path={plugin.Path}"))
        {
            AssertFramesFlow(port);
            port.Port.Stop();
            AssertFramesFlow(port);
        }

        Assert.Equal([$"/connect,{Environment.MachineName}", "/version", "/xsk_map_fd,dut", "/fin"], plugin.Requests);
        Assert.Contains("prog/xdp", _near.Ip("-d", "link", "show", "dut"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_device_plugin_lets_a_socket_be_polled()
    {
        using var plugin = new FakeDevicePlugin();
        using KernelPort port = new(_near, "net_af_xdp0,iface=dut");
        using KernelInterface iface = _near.Invoke(() => new KernelInterface("test", "dut"));
        using XskSocket socket = _near.Invoke(() => new XskSocket("test", iface, 0, new Umem("test", port.Pool, true), null));
        using DevicePlugin client = DevicePlugin.Connect("test", plugin.Path);
        Assert.True(client.TryBusyPoll(socket, 20, 64));
        Assert.False(client.TryBusyPoll(socket, 20, 63));
    }

    [Theory]
    [InlineData("/host_nak", "0.1", null, "does not know the pod '")]
    [InlineData("/host_ok", "0.2", null, "speaks version '0.2' of its protocol, this program speaks 0.1")]
    [InlineData("/host_ok", "0.1", null, "has no map for dut ('/fd_nak'); the pod must be given dut by the plugin")]
    [InlineData("/host_ok", "0.1", "/connect", "does not answer '/connect,")]
    [InlineData("/host_ok", "0.1", "/version", "does not answer '/version'; it waits 30 s for a request at most")]
    [InlineData("/host_ok", "0.1", "/xsk_map_fd", "does not answer '/xsk_map_fd,dut'; ")]
    public void What_the_device_plugin_refuses_is_said_in_one_sentence(string host, string version, string? closesAt, string message)
    {
        using var plugin = new FakeDevicePlugin { HostAnswer = host, Version = version, ClosesAt = closesAt };
        DataplaneException error = Assert.Throws<DataplaneException>(
            () => new KernelPort(_near, $"net_af_xdp0,iface=dut,use_cni=1,dp_path={plugin.Path}"));
        Assert.StartsWith(
            $"net_af_xdp0: the AF_XDP device plugin at {plugin.Path} {message}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_map_of_another_kind_and_a_plugin_that_is_not_there_are_refused()
    {
        using var file = File.OpenHandle(Environment.ProcessPath!);
        using var plugin = new FakeDevicePlugin { Map = file };
        DataplaneException error = Assert.Throws<DataplaneException>(
            () => new KernelPort(_near, $"net_af_xdp0,iface=dut,use_cni=1,dp_path={plugin.Path}"));
        Assert.StartsWith(
            $"net_af_xdp0 cannot use the map of the device plugin at {plugin.Path}: it is no map of AF_XDP sockets (XSKMAP); ",
            error.Message,
            StringComparison.Ordinal);
        error = Assert.Throws<DataplaneException>(() => new KernelPort(_near, "net_af_xdp0,iface=dut,use_cni=1"));
        Assert.StartsWith(
            "net_af_xdp0 cannot reach the AF_XDP device plugin: /tmp/afxdp_dp/dut/afxdp.sock does not exist; the plugin puts",
            error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_pinned_map_is_used()
    {
        using var pins = new TemporaryBpfFolder();
        using XdpProgram program = XdpProgram.LoadOwn("plugin", 4);
        using XdpAttachment attachment = Attach(program);
        Assert.Equal(0, BpfCalls.Pin(program.Map.Handle, pins["xsks_map"]));
        using var port = new KernelPort(_near, $"net_af_xdp0,iface=dut,use_pinned_map=1,dp_path={pins["xsks_map"]}");
        AssertFramesFlow(port);
    }

    [Fact]
    public void A_pinned_program_is_attached_and_its_map_found()
    {
        using var pins = new TemporaryBpfFolder();
        using (XdpProgram program = XdpProgram.LoadOwn("plugin", 4))
        {
            Assert.Equal(0, BpfCalls.Pin(program.Handle, pins["program"]));
            Assert.Equal(0, BpfCalls.Pin(program.Map.Handle, pins["map"]));
        }

        using (var port = new KernelPort(_near, $"net_af_xdp0,iface=dut,xdp_prog={pins["program"]}"))
            AssertFramesFlow(port);
        Assert.DoesNotContain("xdp", _near.Ip("-d", "link", "show", "dut"), StringComparison.Ordinal);
        DataplaneException error = Assert.Throws<DataplaneException>(
            () => new KernelPort(_near, $"net_af_xdp0,iface=dut,xdp_prog={pins["map"]}"));
        Assert.StartsWith(
            $"net_af_xdp0 cannot use {pins["map"]}: it is no XDP program with a map of sockets (XSKMAP)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("xdp")]
    [InlineData("xdp/steer")]
    [InlineData("xdp.frags")]
    [InlineData(".text")]
    public void A_program_in_an_object_file_is_loaded_and_may_change_the_frame_in_front(string section)
    {
        var file = new BpfObjectBuilder { Section = section };
        File.WriteAllBytes(_folder["steer.o"], file.Build());
        using var port = new KernelPort(_near, $"net_af_xdp0,iface=dut,xdp_prog={_folder["steer.o"]}");
        port.Start();
        string state = _near.Ip("-d", "link", "show", "dut");
        Assert.Contains("name steer", state, StringComparison.Ordinal);
        using var peer = new RawSocket(_far, "peer");
        byte[] frame = TestFrame.Create(200, 3);
        peer.Send(frame);
        // It removes the frame's first 4 bytes.
        byte[] received = Assert.Single(port.Receive(1));
        Assert.Equal(frame[4..], received);
    }

    [Fact]
    public void What_cannot_be_loaded_is_said_in_one_sentence()
    {
        string path = _folder["steer.o"];
        string Complaint(BpfObjectBuilder file)
        {
            File.WriteAllBytes(path, file.Build());
            DataplaneException error = Assert.Throws<DataplaneException>(
                () => new KernelPort(_near, $"net_af_xdp0,iface=dut,xdp_prog={path}"));
            return error.Message.Replace(path, "FILE", StringComparison.Ordinal);
        }

        const string Start = "net_af_xdp0 cannot use the XDP program FILE: ";
        Assert.StartsWith(Start + "it has no section xdp; load and pin it with 'bpftool", Complaint(new() { Section = "tc" }), StringComparison.Ordinal);
        Assert.StartsWith(Start + "it is no object file of eBPF (ELF, 64 bits, little endian); ", Complaint(new() { Machine = 62 }), StringComparison.Ordinal);
        Assert.StartsWith(
            Start + "its function steer uses 'counters', and xsks_map is all that can be loaded with it; ", Complaint(new() { MapName = "counters" }), StringComparison.Ordinal);
        Assert.StartsWith(Start + "its xsks_map is no map of AF_XDP sockets (XSKMAP); ", Complaint(new() { MapType = 1 }), StringComparison.Ordinal);
        // The verifier's own words: it reads a register that nobody has written.
        string refused = Complaint(new() { UsesUnsetRegister = true });
        Assert.StartsWith("net_af_xdp0 cannot load the XDP program steer: ", refused, StringComparison.Ordinal);
        Assert.Contains("R9 !read_ok", refused, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_object_file_never_does_more_than_be_refused()
    {
        byte[] file = new BpfObjectBuilder().Build();
        string path = _folder["damaged.o"];
        var random = new Random(7);
        for (int round = 0; round < 2000; round++)
        {
            byte[] damaged = file[..(round % 3 == 0 ? random.Next(file.Length) : file.Length)];
            for (int i = 0; i < 1 + (round % 4) && damaged.Length != 0; i++)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(path, damaged);
            try
            {
                BpfObjectFile read = BpfObjectFile.Read("test", path);
                using var map = File.OpenHandle(path);
                read.Link(map);
                _ = read.License + read.Name + read.Flags + read.MapEntries;
            }
            catch (DataplaneException)
            {
                // As it should be.
            }
        }
    }

    private XdpAttachment Attach(XdpProgram program) => _near.Invoke(() =>
    {
        using var iface = new KernelInterface("test", "dut");
        return new XdpAttachment("test", iface, program, NullLogger.Instance);
    });

    private void AssertFramesFlow(KernelPort port)
    {
        port.Start();
        using var peer = new RawSocket(_far, "peer");
        for (int length = 60; length <= 1514; length += 727)
        {
            byte[] frame = TestFrame.Create(length, length);
            peer.Send(frame);
            Packet[] burst = new Packet[1];
            Assert.True(SpinWait.SpinUntil(() => port.Port.RxQueues[0].Receive(burst) == 1, 5000));
            Assert.Equal(frame, KernelPort.BytesOf(burst[0]));
            // All that a program may have used in front of the frame is free for others.
            Assert.Equal(256, burst[0].Headroom);
            Assert.Equal(1, port.Port.TxQueues[0].Send(burst));
            Assert.Equal(frame, peer.Receive());
        }
    }
}
