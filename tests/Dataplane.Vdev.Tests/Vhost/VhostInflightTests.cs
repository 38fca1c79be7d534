using System.Buffers.Binary;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Vhost;

/// <summary>Front ends that keep, for the next back end, what this one has of their buffers.</summary>
public sealed unsafe class VhostInflightTests : IDisposable
{
    private const int RingSize = 64;

    private readonly TemporaryFolder _folder = new();
    private readonly SoftwareRuntime _runtime;

    public VhostInflightTests()
    {
        _runtime = new SoftwareRuntime($"net_vhost0,iface={Path},queues=2");
        _runtime.Start();
    }

    public static TheoryData<ulong> Kinds =>
    [
        (ulong)FrontEnd.Usual,
        (ulong)(FrontEnd.Usual | VirtioFeatures.InOrder),
        (ulong)(FrontEnd.Usual | VirtioFeatures.RingPacked),
        (ulong)(FrontEnd.Usual | VirtioFeatures.RingPacked | VirtioFeatures.InOrder),
    ];

    public static TheoryData<string> Breaches => [.. BreachesByName.Keys];

    private static Dictionary<string, Action<FrontEnd>> BreachesByName { get; } = new()
    {
        ["no ring"] = guest => guest.Send(VhostUserRequest.GetInflightFd, new VhostUserInflight { QueueSize = 64 }),
        ["too many rings"] = guest => guest.Send(VhostUserRequest.GetInflightFd, new VhostUserInflight { QueueCount = 5, QueueSize = 64 }),
        ["rings of nothing"] = guest => guest.Send(VhostUserRequest.GetInflightFd, new VhostUserInflight { QueueCount = 4 }),
        ["long rings"] = guest => guest.Send(VhostUserRequest.GetInflightFd, new VhostUserInflight { QueueCount = 4, QueueSize = 32769 }),
        ["short message"] = guest => guest.Send(VhostUserRequest.GetInflightFd, 0ul),
        ["no file"] = guest => guest.Send(VhostUserRequest.SetInflightFd, Message(65536)),
        ["no memory"] = guest => guest.Send(VhostUserRequest.SetInflightFd, Message(65536), guest.Receiver.Kick.Handle),
        ["longer than its file"] = guest => guest.Send(VhostUserRequest.SetInflightFd, Message(FrontEnd.Length + 1), guest.File.Handle),
        ["behind its file"] = guest => guest.Send(
            VhostUserRequest.SetInflightFd, Message(65536) with { MmapOffset = ulong.MaxValue - 4095 }, guest.File.Handle),
        ["not aligned"] = guest => guest.Send(VhostUserRequest.SetInflightFd, Message(65536) with { MmapOffset = 4 }, guest.File.Handle),
        ["too short for its rings"] = guest => guest.Send(VhostUserRequest.SetInflightFd, Message(1024), guest.File.Handle),
        ["too short for the ring that there is"] = guest => guest.Send(
            VhostUserRequest.SetInflightFd, Message(65536) with { QueueSize = 32 }, guest.File.Handle),
    };

    private string Path => _folder["vhost.sock"];

    public void Dispose()
    {
        _runtime.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_guest_whose_back_end_dies_gets_every_buffer_back_once_and_no_frame_goes_twice(ulong features)
    {
        using var guest = new FrontEnd(Path);
        guest.Start((VirtioFeatures)features, pairs: 2, RingSize, inflight: true);
        var sent = new HashSet<nint>();
        int number = 0;
        for (int round = 0; round < 12; round++)
        {
            // What was kept waits for its packets; of what comes behind it some is short, and some in pieces.
            var packets = new List<Packet>();
            for (int i = 0; i < 3; i++)
            {
                Assert.True(sent.Add(guest.Sender.Send(Frame(60, number++))));
                Assert.True(sent.Add(guest.Sender.Send(Frame(1000, number++))));
                Assert.True(sent.Add(guest.Sender.Send(Frame(1000, number++), pieces: 3)));
                packets.AddRange(_runtime.Receive(0));
                packets[^1].Free();
                packets.RemoveAt(packets.Count - 1);
            }

            Assert.All(guest.Sender.TakeUsed(), used => Assert.True(sent.Remove(used.Token)));

            // These were not seen yet, and are seen by the next back end.
            byte[] unseen = Frame(700, number++);
            Assert.True(sent.Add(guest.Sender.Send(unseen)));
            Kill(guest);
            Packet.Free(packets.ToArray());
            Assert.All(guest.Sender.TakeUsed(), used => Assert.True(sent.Remove(used.Token)));
            Assert.Single(sent);

            Packet packet = Assert.Single(_runtime.Receive(0));
            Assert.Equal(unseen, VhostPortTests.BytesOf(packet));
            packet.Free();
            Assert.Empty(_runtime.Receive(0));
            Assert.All(guest.Sender.TakeUsed(), used => Assert.True(sent.Remove(used.Token)));
            Assert.Empty(sent);

            // The other direction goes on, too.
            guest.Receiver.Post(2);
            Assert.Equal(1, _runtime.Send(0, _runtime.Allocate(1)));
            Assert.Single(guest.Receiver.Receive());
            Assert.Equal(1, _runtime.Send(0, _runtime.Allocate(1)));
            Assert.Single(guest.Receiver.Receive());
        }

        FrontEnd.WaitUntil(() => _runtime.InUse == 0);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Rings_that_are_stopped_and_started_go_on_where_they_stand(ulong features)
    {
        using var guest = new FrontEnd(Path);
        guest.Start((VirtioFeatures)features, pairs: 1, RingSize, inflight: true);
        for (int round = 0; round < 30; round++)
        {
            guest.Sender.Send(Frame(1000, round));
            guest.Sender.Send(Frame(60, round));
            Packet[] packets = _runtime.Receive(0);
            Assert.Equal(2, packets.Length);
            guest.StopRing(guest.Sender);
            Assert.Equal(2, guest.Sender.TakeUsed().Count);
            guest.StartRing(guest.Sender);
            guest.Synchronize();
            Packet.Free(packets);
            if (round % 4 == 3)
                Kill(guest);
        }

        FrontEnd.WaitUntil(() => _runtime.InUse == 0);
    }

    [Fact]
    public void The_memory_cannot_be_cut_short_and_nothing_of_it_stays()
    {
        int files = CountFiles();
        for (int i = 0; i < 3; i++)
        {
            using var guest = new FrontEnd(Path);
            guest.Start(FrontEnd.Usual, pairs: 1, RingSize, inflight: true);
            Assert.NotEqual(0, Libc.Ftruncate(guest.InflightFile!, 0));
            Assert.Equal(2u, guest.Inflight.QueueCount);
        }

        FrontEnd.WaitUntil(() => !_runtime[0].GetLink().IsUp);
        FrontEnd.WaitUntil(() => CountFiles() == files);
        Assert.DoesNotContain(File.ReadLines("/proc/self/maps"), line => line.Contains("vhost-inflight", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Breaches))]
    public void What_cannot_be_ends_the_connection(string breach)
    {
        using (FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual, size: RingSize))
        {
            BreachesByName[breach](guest);
            guest.WaitForEnd();
        }

        using FrontEnd next = new FrontEnd(Path).Start(FrontEnd.Usual);
        next.Sender.Send(Frame(60, 1));
        Packet.Free(_runtime.Receive(0));
        Assert.Single(next.Sender.TakeUsed());
    }

    [Fact]
    public void Memory_that_is_cut_short_ends_the_connection_and_nothing_else()
    {
        using var guest = new FrontEnd(Path);
        guest.Start(FrontEnd.Usual);
        using var file = new Dataplane.Vdev.Tests.Peers.SharedFile(65536);
        guest.Send(VhostUserRequest.SetInflightFd, Message(65536), file.Handle);
        guest.Synchronize();
        file.Resize(0);
        guest.Sender.Send(Frame(1000, 1));
        Packet.Free(_runtime.Receive(0));
        guest.WaitForEnd();
    }

    [Fact]
    public void The_configuration_of_the_device_can_be_read_and_not_written()
    {
        using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual);
        Span<byte> message = stackalloc byte[VhostUserConfig.Length + VirtioNetConfig.Length];
        message.Clear();
        message[4] = VirtioNetConfig.Length;
        guest.Send(VhostUserRequest.GetConfig, message);
        var configuration = guest.Answer(message.Length)[VhostUserConfig.Length..];
        Assert.Equal(VirtioNetConfig.LinkUp, BinaryPrimitives.ReadUInt16LittleEndian(configuration.AsSpan(VirtioNetConfig.Status)));
        Assert.Equal(2, BinaryPrimitives.ReadUInt16LittleEndian(configuration.AsSpan(VirtioNetConfig.MaxVirtqueuePairs)));
        Assert.Equal(1500, BinaryPrimitives.ReadUInt16LittleEndian(configuration.AsSpan(VirtioNetConfig.Mtu)));

        Assert.Equal(1u, guest.SendAndWait(VhostUserRequest.SetConfig, new VhostUserConfig()));
        message[5] = 1;
        guest.Send(VhostUserRequest.GetConfig, message);
        Assert.Empty(guest.Answer(0));
        guest.Send(VhostUserRequest.SetStatus, 15ul);
        Assert.Equal(15u, guest.Ask<ulong>(VhostUserRequest.GetStatus));
    }

    private static byte[] Frame(int length, int number) => VhostPortTests.Frame(length, number);

    private static VhostUserInflight Message(ulong length) => new() { MmapSize = length, QueueCount = 4, QueueSize = RingSize };

    private static int CountFiles() => Directory.GetFiles("/proc/self/fd").Length;

    /// <summary>Lets the connection end as with a process that is killed: nobody tidies the rings up.</summary>
    private void Kill(FrontEnd guest)
    {
        guest.Send((VhostUserRequest)99, 0ul);
        guest.WaitForEnd();
        FrontEnd.WaitUntil(() => !_runtime[0].GetLink().IsUp);
        guest.Reconnect(Path);
    }
}
