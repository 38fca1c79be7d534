using System.Runtime.InteropServices;
using Dataplane.Testing;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Vhost;
using Dataplane.Vdev.Vhost;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>Front ends of our back end.</summary>
internal sealed class VhostFuzzer : Fuzzer
{
    private const int Pairs = 2;

    private readonly TemporaryFolder _folder = new();

    public VhostFuzzer(int seed) =>
        Rig = new FuzzRig(seed, _folder, interrupts: seed % 2 == 1, $"net_vhost0,iface={Socket},queues={Pairs}");

    protected override FuzzRig Rig { get; }

    private string Socket => _folder["vhost.sock"];

    public override void Step(Random random)
    {
        using var files = new FuzzFiles();
        using FuzzPeer? peer = FuzzPeer.TryConnect(Socket, PeerSocketKind.Stream);
        if (peer is null)
            return;
        List<FuzzMessage> script = MakeScript(random, files);
        random.Spoil(script, files);
        foreach (FuzzMessage message in script)
        {
            if (peer.IsClosed || random.OneIn(100))
                break;
            Send(random, peer, message);
            if (random.OneIn(2))
                peer.Receive(random.Next(1, 2000), random.Next(2));
        }

        if (random.OneIn(2))
            peer.Receive(2000, random.Next(10));
    }

    protected override void ServeGoodPeer() => ServeGoodPeer(Rig, Socket);

    /// <summary>Throws if a front end that keeps the rules is not served.</summary>
    public static void ServeGoodPeer(FuzzRig rig, string socket)
    {
        ulong received = rig.Received;
        using var frontEnd = new FrontEnd(socket);
        frontEnd.Start(FrontEnd.Usual);
        frontEnd.Sender.Send(TestFrame.Create(64));
        frontEnd.Sender.Kick.Signal();
        rig.WaitUntil(() => rig.Received != received, "a front end that keeps the rules is not served");
    }

    /// <summary>A message, now and then in pieces.</summary>
    private static void Send(Random random, FuzzPeer peer, FuzzMessage message)
    {
        int split = random.OneIn(8) ? random.Next(message.Bytes.Length) : 0;
        if (split != 0)
            peer.Send(message.Bytes.AsSpan(0, split), random.OneIn(2) ? message.Files : []);
        peer.Send(message.Bytes.AsSpan(split), message.Files);
    }

    private static List<FuzzMessage> MakeScript(Random random, FuzzFiles files)
    {
        var features = (VirtioFeatures)((ulong)VhostFeatures.Device & (ulong)random.NextInt64());
        if (random.OneIn(2))
            features |= VirtioFeatures.UserProtocolFeatures | VirtioFeatures.Version1;
        var script = new List<FuzzMessage>
        {
            Message(VhostUserRequest.SetOwner),
            Message(VhostUserRequest.GetFeatures),
            Message(VhostUserRequest.GetProtocolFeatures),
            Message(VhostUserRequest.SetProtocolFeatures, (ulong)VhostFeatures.Protocol & (ulong)random.NextInt64()),
            Message(VhostUserRequest.SetFeatures, (ulong)features),
        };
        AddMemory(random, files, script);
        if (random.OneIn(2))
            AddInflight(random, files, script);
        for (uint i = 0; i < 2 * Pairs; i++)
            AddRing(random, files, script, i);
        for (int i = random.Next(12); i > 0; i--)
            AddLater(random, files, script);
        return script;
    }

    private static void AddMemory(Random random, FuzzFiles files, List<FuzzMessage> script)
    {
        VhostUserMemory table = default;
        table.RegionCount = (uint)random.Next(1, 4);
        for (int i = 0; i < table.RegionCount; i++)
            table.Regions[i] = Region(i);
        int length = VhostUserMemory.HeaderLength + ((int)table.RegionCount * VhostUserMemoryRegion.Length);
        if (random.OneIn(2))
        {
            script.Add(Message(
                VhostUserRequest.SetMemTable,
                MemoryMarshal.AsBytes(new ReadOnlySpan<VhostUserMemory>(in table))[..length],
                [.. Enumerable.Range(0, (int)table.RegionCount).Select(_ => MakeMemory(random, files))]));
            return;
        }

        for (int i = 0; i < table.RegionCount; i++)
            script.Add(Message(VhostUserRequest.AddMemReg, new VhostUserSingleMemoryRegion { Region = table.Regions[i] }, MakeMemory(random, files)));
    }

    private static SafeFileHandle MakeMemory(Random random, FuzzFiles files)
    {
        SafeFileHandle file = files.Memory(RegionLength);
        byte[] content = new byte[random.Next(1, 4096)];
        random.NextBytes(content);
        if (random.OneIn(2))
            RandomAccess.Write(file, content, 0);
        return file;
    }

    /// <summary>Memory for buffers in flight, of ours or with anything in it.</summary>
    private static void AddInflight(Random random, FuzzFiles files, List<FuzzMessage> script)
    {
        var message = new VhostUserInflight
        {
            MmapSize = RegionLength,
            QueueCount = (ushort)random.Next(1, (2 * Pairs) + 1),
            QueueSize = (ushort)(random.OneIn(8) ? random.Odd() : 512),
        };
        if (random.OneIn(3))
        {
            script.Add(Message(VhostUserRequest.GetInflightFd, message));
            return;
        }

        SafeFileHandle file = MakeMemory(random, files);
        RandomAccess.Write(file, [1, 0], 8);
        script.Add(Message(VhostUserRequest.SetInflightFd, message, file));
    }

    private const int RegionLength = 1 << 20;

    private static VhostUserMemoryRegion Region(int index) => new()
    {
        GuestAddress = (ulong)index * RegionLength,
        UserAddress = (ulong)(index + 16) * RegionLength,
        Size = RegionLength,
    };

    private static void AddRing(Random random, FuzzFiles files, List<FuzzMessage> script, uint index)
    {
        uint size = 1u << random.Next(1, 9);
        ulong start = (16 * RegionLength) + (random.OneIn(2) ? 0 : index * 0x10000ul);
        FuzzMessage[] messages =
        [
            Message(VhostUserRequest.SetVringCall, (ulong)index, files.Event(random)),
            Message(VhostUserRequest.SetVringNum, new VhostUserVringState { Index = index, Number = size }),
            Message(VhostUserRequest.SetVringBase, new VhostUserVringState { Index = index, Number = random.OneIn(2) ? 0 : (uint)random.Odd() }),
            Message(
                VhostUserRequest.SetVringAddr,
                new VhostUserVringAddress { Index = index, Descriptor = start, Available = start + (size * 16), Used = start + (size * 32) }),
            Message(VhostUserRequest.SetVringKick, (ulong)index, files.Event(random)),
            Message(VhostUserRequest.SetVringEnable, new VhostUserVringState { Index = index, Number = 1 }),
        ];
        if (random.OneIn(4))
            random.Shuffle(messages);
        script.AddRange(messages);
    }

    /// <summary>What front ends say while rings run.</summary>
    private static void AddLater(Random random, FuzzFiles files, List<FuzzMessage> script)
    {
        uint index = (uint)random.Next(2 * Pairs);
        switch (random.Next(11))
        {
            case 0:
                script.Add(Message(VhostUserRequest.GetVringBase, new VhostUserVringState { Index = index }));
                break;
            case 1:
                script.Add(Message(VhostUserRequest.SetVringEnable, new VhostUserVringState { Index = index, Number = (uint)random.Next(2) }));
                break;
            case 2:
                script.Add(Message(VhostUserRequest.RemMemReg, new VhostUserSingleMemoryRegion { Region = Region(random.Next(4)) }));
                break;
            case 3:
                AddMemory(random, files, script);
                break;
            case 4:
                AddRing(random, files, script, index);
                break;
            case 5:
                script.Add(Message(random.Pick(VhostUserRequest.ResetOwner, VhostUserRequest.GetStatus, VhostUserRequest.GetQueueNum, VhostUserRequest.GetMaxMemSlots)));
                break;
            case 6:
                script.Add(Message(VhostUserRequest.SetVringErr, (ulong)index, files.Event(random)));
                break;
            case 7:
                script.Add(Message(random.Pick(VhostUserRequest.SetStatus, VhostUserRequest.NetSetMtu), random.Odd()));
                break;
            case 8:
                AddInflight(random, files, script);
                break;
            case 9:
                script.Add(Message(
                    random.Pick(VhostUserRequest.GetConfig, VhostUserRequest.SetConfig),
                    new VhostUserConfig { Offset = random.OneIn(2) ? 0 : (uint)random.Odd(), PartLength = random.OneIn(2) ? 24 : (uint)random.Odd() }));
                break;
            default:
                script.Add(Message((VhostUserRequest)random.Next(50), random.Odd()));
                break;
        }
    }

    private static FuzzMessage Message<T>(VhostUserRequest request, T payload, params SafeFileHandle[] files)
        where T : unmanaged => Message(request, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in payload)), files);

    private static FuzzMessage Message(VhostUserRequest request, ReadOnlySpan<byte> payload = default, params SafeFileHandle[] files)
    {
        byte[] bytes = new byte[VhostUserHeader.Length + payload.Length];
        MemoryMarshal.Write(bytes, new VhostUserHeader { Request = request, Flags = VhostUserHeader.Version, PayloadLength = (uint)payload.Length });
        payload.CopyTo(bytes.AsSpan(VhostUserHeader.Length));
        return new FuzzMessage(bytes, files);
    }
}
