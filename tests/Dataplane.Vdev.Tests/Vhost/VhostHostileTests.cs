using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Peers;
using Dataplane.Vdev.Vhost;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Vhost;

/// <summary>Front ends that break rules: their connection ends, nothing else does, and nothing of theirs stays.</summary>
public sealed unsafe class VhostHostileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SoftwareRuntime _runtime;

    public VhostHostileTests()
    {
        _runtime = new SoftwareRuntime($"net_vhost0,iface={Path}", $"net_vhost1,iface={_folder["other.sock"]}");
        _runtime.Start();
    }

    private string Path => _folder["vhost.sock"];

    public static TheoryData<ulong> Kinds => [(ulong)FrontEnd.Usual, (ulong)(FrontEnd.Usual | VirtioFeatures.RingPacked)];

    public void Dispose()
    {
        _runtime.Dispose();
        _folder.Dispose();
    }

    public static TheoryData<string> Breaches => [.. BreachesByName.Keys];

    private static Dictionary<string, Action<FrontEnd>> BreachesByName { get; } = new()
    {
        ["version"] = guest => guest.TrySendRaw(Message(VhostUserRequest.GetFeatures, 0, [], flags: 2)),
        ["length"] = guest => guest.TrySendRaw(Message(VhostUserRequest.SetMemTable, 5000, [])),
        ["longest"] = guest => guest.TrySendRaw(Message(VhostUserRequest.SetMemTable, uint.MaxValue, [])),
        ["unknown"] = guest => guest.Send((VhostUserRequest)99, 0ul),
        ["none"] = guest => guest.Send(VhostUserRequest.None, 0ul),
        ["not offered"] = guest => guest.Send(VhostUserRequest.SetLogBase, 0ul, guest.File.Handle),
        ["short"] = guest => guest.Send(VhostUserRequest.SetVringAddr, 0ul),
        ["features"] = guest => guest.Send(VhostUserRequest.SetFeatures, (ulong)VirtioFeatures.AccessPlatform),
        ["protocol features"] = guest => guest.Send(VhostUserRequest.SetProtocolFeatures, (ulong)VhostUserProtocolFeatures.LogShmfd),
        ["ring index"] = guest => guest.Send(VhostUserRequest.SetVringNum, new VhostUserVringState { Index = 2, Number = 64 }),
        ["ring index of a file"] = guest => guest.Send(VhostUserRequest.SetVringKick, 255ul, guest.Receiver.Kick.Handle),
        ["highest ring index"] = guest => guest.Send(VhostUserRequest.GetVringBase, new VhostUserVringState { Index = uint.MaxValue }),
        ["size 0"] = guest => guest.Send(VhostUserRequest.SetVringNum, new VhostUserVringState { Number = 0 }),
        ["size 65536"] = guest => guest.Send(VhostUserRequest.SetVringNum, new VhostUserVringState { Number = 65536 }),
        ["no file"] = guest => guest.Send(VhostUserRequest.SetVringKick, 0ul),
        ["no eventfd"] = guest => guest.Send(VhostUserRequest.SetVringCall, 0ul, guest.File.Handle),
        ["area outside"] = guest => guest.Send(
            VhostUserRequest.SetVringAddr, guest.Receiver.Addresses with { Used = (ulong)guest.Memory + FrontEnd.Length - 8 }),
        ["area at the last address"] = guest => guest.Send(
            VhostUserRequest.SetVringAddr, guest.Receiver.Addresses with { Descriptor = ulong.MaxValue - 7 }),
        ["area not aligned"] = guest => guest.Send(
            VhostUserRequest.SetVringAddr, guest.Receiver.Addresses with { Descriptor = guest.Receiver.Addresses.Descriptor + 8 }),
        ["memory without file"] = guest => guest.Send(VhostUserRequest.SetMemTable, new VhostUserMemory { RegionCount = 1 }),
        ["nine regions"] = guest => guest.Send(VhostUserRequest.SetMemTable, new VhostUserMemory { RegionCount = 9 }),
        ["regions cut off"] = guest => guest.TrySendRaw(Message(VhostUserRequest.SetMemTable, 8, [4, 0, 0, 0, 0, 0, 0, 0])),
        ["empty region"] = guest => guest.SetMemory(guest.Region with { Size = 0 }),
        ["region longer than its file"] = guest => guest.SetMemory(guest.Region with { Size = FrontEnd.Length + 1 }),
        ["region behind its file"] = guest => guest.SetMemory(guest.Region with { MmapOffset = ulong.MaxValue - 4095 }),
        ["region around the end"] = guest => guest.SetMemory(guest.Region with { GuestAddress = ulong.MaxValue - 100 }),
        ["overlapping regions"] = guest => guest.SetMemory(
            guest.Region, guest.Region with { GuestAddress = FrontEnd.GuestBase + 4096 }),
        ["region without memory"] = guest => guest.SetMemory(guest.Region with { GuestAddress = 4096 }),
        ["unknown region"] = guest => guest.Send(
            VhostUserRequest.RemMemReg, new VhostUserSingleMemoryRegion { Region = guest.Region with { UserAddress = 1 } }),
        ["region that is a queue's eventfd"] = guest => guest.Send(
            VhostUserRequest.AddMemReg, new VhostUserSingleMemoryRegion { Region = guest.Region }, guest.Receiver.Kick.Handle),
        ["more files than regions"] = guest => guest.Send(
            VhostUserRequest.SetMemTable, default(VhostUserMemory), [.. Enumerable.Repeat(guest.File.Handle, 20)]),
    };

    [Theory]
    [MemberData(nameof(Breaches))]
    public void A_broken_message_ends_the_connection_and_nothing_else(string breach)
    {
        using FrontEnd other = new FrontEnd(_folder["other.sock"]).Start(FrontEnd.Usual);
        using (FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual))
        {
            guest.Sender.Send(VhostPortTests.Frame(1000, 1));
            Packet packet = Assert.Single(_runtime.Receive(0));
            BreachesByName[breach](guest);

            // A ring that is nowhere, and memory without the rings, show when frames pass.
            if (breach is "region without memory")
            {
                guest.Synchronize();
                guest.Sender.Send(VhostPortTests.Frame(1000, 1));
            }

            FrontEnd.WaitUntil(() => _runtime.Receive(0).Length == 0 && Violations(0) == 1);
            guest.WaitForEnd();
            Assert.Equal(VhostPortTests.Frame(1000, 1), VhostPortTests.BytesOf(packet));
            packet.Free();
            FrontEnd.WaitUntil(() => guest.File is { MappingCount: 1, OpenCount: 1 });
        }

        CheckThatItWorks(other, 1);
        using FrontEnd next = new FrontEnd(Path).Start(FrontEnd.Usual);
        CheckThatItWorks(next, 0);
        Assert.Equal(0u, Violations(1));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Random_messages_end_a_connection_at_most(ulong features)
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            using FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features);
            for (int i = 0; i < 30; i++)
            {
                var payload = new byte[random.Next(4) == 0 ? random.Next(300) : random.Next(5) * 8];
                random.NextBytes(payload);
                for (int j = 0; j < payload.Length; j++)
                    payload[j] = random.Next(3) == 0 ? payload[j] : j % 8 == 0 ? (byte)random.Next(4) : (byte)0;
                var request = (VhostUserRequest)random.Next(1, 42);
                SafeFileHandle[] files = random.Next(3) switch
                {
                    0 => [guest.File.Handle],
                    1 => [guest.Sender.Kick.Handle],
                    _ => [],
                };
                if (!guest.TrySendRaw(
                    Message(request, (uint)payload.Length, payload, (uint)random.Next(2) * VhostUserHeader.NeedReply), files))
                    break;
                Packet.Free(_runtime.Receive(0));
            }
        }

        using FrontEnd next = new FrontEnd(Path).Start(FrontEnd.Usual);
        CheckThatItWorks(next, 0);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Noise_in_the_rings_under_load_ends_a_connection_at_most(ulong features)
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            using FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features, size: 16);
            ulong before = Violations(0);
            for (int i = 0; i < 200 && Violations(0) == before; i++)
            {
                FrontEndRing ring = guest.Rings[random.Next(2)];
                ulong area = random.Next(3) switch
                {
                    0 => ring.Addresses.Descriptor,
                    1 => ring.Addresses.Available,
                    _ => ring.Addresses.Used,
                };
                ((byte*)area)[random.Next(random.Next(2) == 0 ? 4 : 64)] = (byte)random.Next(256);
                Packet[] burst = [.. _runtime.Receive(0), .. _runtime.Allocate(2, 1500)];
                Packet.Free(burst.AsSpan(_runtime.Send(0, burst)));
            }
        }

        using FrontEnd next = new FrontEnd(Path).Start(FrontEnd.Usual);
        Assert.InRange(Violations(0), 1u, 40u);
        CheckThatItWorks(next, 0);
        Assert.Equal(0, _runtime.InUse);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Memory_that_is_cut_short_ends_the_connection(ulong features)
    {
        using FrontEnd other = new FrontEnd(_folder["other.sock"]).Start(FrontEnd.Usual);
        using (FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features))
        {
            guest.Sender.Send(VhostPortTests.Frame(1000, 1));
            Packet packet = Assert.Single(_runtime.Receive(0));
            guest.Sender.Send(VhostPortTests.Frame(60, 1));
            guest.File.Resize(0);
            Packet.Free(_runtime.Receive(0));
            Assert.Equal(1000, VhostPortTests.BytesOf(packet).Length);
            _runtime.Send(0, packet);
            FrontEnd.WaitUntil(() =>
            {
                Packet.Free(_runtime.Receive(0));
                return Violations(0) == 1;
            });
            guest.WaitForEnd();
        }

        CheckThatItWorks(other, 1);
    }

    [Fact]
    public void A_call_file_that_is_filled_to_hold_lcores_up_ends_the_connection()
    {
        using (FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual))
        {
            guest.Synchronize();
            ulong full = ulong.MaxValue - 1;
            guest.Sender.Call.TryDrain();
            Assert.Equal(sizeof(ulong), Libc.Write(guest.Sender.Call.Handle, &full, sizeof(ulong)));
            Assert.Equal(0, Libc.Fcntl(guest.Sender.Call.Handle, Libc.F_SETFL, 0));
            guest.Sender.Send(VhostPortTests.Frame(60, 1));
            FrontEnd.WaitUntil(() =>
            {
                Packet.Free(_runtime.Receive(0));
                return Violations(0) == 1;
            });
            guest.WaitForEnd();
        }

        using FrontEnd next = new FrontEnd(Path).Start(FrontEnd.Usual);
        CheckThatItWorks(next, 0);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Buffers_so_short_that_a_frame_takes_thousands_of_them_end_the_connection(ulong features)
    {
        using (FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features, size: 2048))
        {
            guest.Receiver.Post(2000, length: 12);
            Packet[] segments = _runtime.Allocate(14, 1500);
            for (int i = 1; i < segments.Length; i++)
                Assert.True(segments[0].TryChain(segments[i]));
            Assert.Equal(0, _runtime.Send(0, segments[0]));
            segments[0].Free();
            FrontEnd.WaitUntil(() => Violations(0) == 1);
            guest.WaitForEnd();
        }

        using FrontEnd next = new FrontEnd(Path).Start(FrontEnd.Usual);
        CheckThatItWorks(next, 0);
    }

    [Fact]
    public void Of_many_messages_a_few_are_handled_before_others_have_their_turn()
    {
        using var sockets = new SocketPair(PeerSocketKind.Stream);
        using var trouble = new EventFd();
        using var loop = new PeerLoop("test", NullLogger.Instance);
        byte[] message = Message(VhostUserRequest.GetFeatures, 0, []);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(sockets.Client.TrySend(message)));
        loop.Invoke(() =>
        {
            using var session = new VhostSession(loop, sockets.Server, pairs: 1, new NoQueues(), trouble);
            int answered = 0;
            for (int turns = 0; answered < 100; turns++)
            {
                Assert.InRange(turns, 0, 100);
                Assert.True(session.TryServe());
                int before = answered;
                using var descriptors = new ReceivedDescriptors(capacity: 0);
                while (sockets.Client.TryReceive(new byte[VhostUserHeader.Length + sizeof(ulong)], descriptors, out _))
                    answered++;
                Assert.InRange(answered - before, 1, PeerSocket.MostPerTurn);
            }
        });
    }

    [Fact]
    public void A_second_front_end_is_refused_while_the_first_is_connected()
    {
        using FrontEnd first = new FrontEnd(Path).Start(FrontEnd.Usual);
        using var second = new FrontEnd(Path);
        second.WaitForEnd();
        CheckThatItWorks(first, 0);
    }

    [Fact]
    public void A_front_end_that_comes_and_goes_without_end_does_not_fill_the_log()
    {
        string path = _folder["third.sock"];
        using PeerRig rig = new PeerRig($"net_vhost2,iface={path}").Start();
        for (int i = 0; i < 300; i++)
            new FrontEnd(path).Dispose();
        using FrontEnd last = new FrontEnd(path).Start(FrontEnd.Usual);
        Assert.InRange(rig.Log.Lines.Count, 50, 150);
    }

    [Fact]
    public void A_front_end_that_says_half_a_message_hinders_nobody()
    {
        using var slow = new FrontEnd(Path);
        slow.TrySendRaw(Message(VhostUserRequest.SetMemTable, 100, [1, 2, 3]));
        using FrontEnd other = new FrontEnd(_folder["other.sock"]).Start(FrontEnd.Usual);
        CheckThatItWorks(other, 1);
    }

    [Fact]
    public void A_message_that_comes_in_pieces_is_put_together()
    {
        using var guest = new FrontEnd(Path);
        foreach (byte octet in Message(VhostUserRequest.SetVringNum, 8, [0, 0, 0, 0, 64, 0, 0, 0], VhostUserHeader.NeedReply))
            Assert.True(guest.TrySendRaw([octet]));
        guest.Synchronize();
        Assert.Equal(0u, Violations(0));
    }

    private ulong Violations(int port) =>
        _runtime[port].GetExtendedStatistics().Single(counter => counter.Name == "protocol_violations").Value;

    private void CheckThatItWorks(FrontEnd guest, int port)
    {
        byte[] frame = VhostPortTests.Frame(1000, 5);
        guest.Sender.Send(frame);
        Packet packet = Assert.Single(_runtime.Receive(port));
        guest.Receiver.Post(1);
        Assert.Equal(1, _runtime.Send(port, packet));
        Assert.Equal(frame, Assert.Single(guest.Receiver.Receive()));
    }

    private static byte[] Message(VhostUserRequest request, uint length, byte[] payload, uint flags = 0)
    {
        var message = new byte[VhostUserHeader.Length + payload.Length];
        MemoryMarshal.Write(message, new VhostUserHeader
        {
            Request = request,
            Flags = flags == 2 ? 2 : VhostUserHeader.Version | flags,
            PayloadLength = length,
        });
        payload.CopyTo(message, VhostUserHeader.Length);
        return message;
    }

    /// <summary>A port that is stopped.</summary>
    private sealed class NoQueues : IVhostQueues
    {
        public ushort Mtu => 1500;

        public VhostReceiverOptions? ReceiverOf(VhostRing ring) => null;

        public bool HasSenderOf(VhostRing ring) => false;

        public void Connect(IReadOnlyList<VhostRing> rings)
        {
        }
    }
}
