using System.Runtime.InteropServices;
using Dataplane.Testing;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Peers;
using Dataplane.Vdev.Vhost;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>
/// Back ends of our front ends: wrong answers, and once packets flow anything in the rings. The ports listen, because who
/// connects waits between connections. What happens in rings depends on who is faster.
/// </summary>
internal sealed class VirtioUserFuzzer : Fuzzer
{
    private static readonly string[] Kinds = ["packed_vq=0", "packed_vq=1", "packed_vq=1,in_order=0", "mrg_rxbuf=1,in_order=0,queue_size=32"];

    private readonly TemporaryFolder _folder = new();

    public VirtioUserFuzzer(int seed) => Rig = new FuzzRig(
        seed,
        _folder,
        interrupts: seed % 2 == 1,
        [.. Kinds.Select((kind, index) => $"net_virtio_user{index},path={SocketOf(index)},server=1,{kind}")]);

    protected override FuzzRig Rig { get; }

    public override void Step(Random random)
    {
        using var files = new FuzzFiles();
        using FuzzPeer? peer = FuzzPeer.TryConnect(SocketOf(random.Next(Kinds.Length)), PeerSocketKind.Stream);
        if (peer is null)
            return;
        var backEnd = new FuzzBackEnd(random, peer, files);
        for (int i = 0; i < 200 && !peer.IsClosed && !random.OneIn(200) && !backEnd.IsDone; i++)
            backEnd.Serve(milliseconds: 50);
        if (!peer.IsClosed)
            backEnd.SpoilRings();
    }

    protected override void ServeGoodPeer()
    {
        using var backEnd = new PeerRig($"net_vhost0,iface={SocketOf(1)},client=1");
        backEnd.Start();
        backEnd.WaitForLink(backEnd[0]);
        ulong received = Rig.Received;
        Rig.WaitUntil(() => backEnd.TrySend(backEnd[0], TestFrame.Create(64)) && Rig.Received != received, "a back end that keeps the rules is not served");
    }

    private string SocketOf(int index) => _folder[$"vhost{index}.sock"];
}

/// <summary>Answers as a back end does, but not always.</summary>
internal sealed unsafe class FuzzBackEnd(Random random, FuzzPeer peer, FuzzFiles files)
{
    /// <summary>How many messages are answered wrong or not at all.</summary>
    private readonly int _oneIn = random.Pick(5, 30, 1000, 1000);

    private readonly Dictionary<uint, (VhostUserVringAddress Address, int Size)> _rings = [];
    private bool _isPacked;

    /// <summary>Whether packets may flow, or nothing comes any more.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Handles the next message, if one comes in time.</summary>
    public void Serve(int milliseconds)
    {
        ReadOnlySpan<byte> bytes = peer.Receive(VhostUserHeader.Length, milliseconds);
        IsDone |= bytes.IsEmpty;
        if (bytes.Length != VhostUserHeader.Length)
            return;
        var header = MemoryMarshal.Read<VhostUserHeader>(bytes);
        byte[] payload = header.PayloadLength == 0 ? [] : peer.Receive((int)header.PayloadLength, 50).ToArray();
        switch (header.Request)
        {
            case VhostUserRequest.GetFeatures:
                Answer(header, (ulong)VhostFeatures.Device);
                break;
            case VhostUserRequest.GetProtocolFeatures:
                Answer(header, (ulong)VhostFeatures.Protocol & (random.OneIn(3) ? (ulong)random.NextInt64() : ulong.MaxValue));
                break;
            case VhostUserRequest.GetQueueNum:
            case VhostUserRequest.GetMaxMemSlots:
                Answer(header, random.OneIn(20) ? random.Odd() : 64);
                break;
            case VhostUserRequest.GetVringBase:
                Answer(header, MemoryMarshal.Read<ulong>(payload));
                break;
            case VhostUserRequest.SetFeatures:
                _isPacked = (MemoryMarshal.Read<VirtioFeatures>(payload) & VirtioFeatures.RingPacked) != 0;
                goto default;
            case VhostUserRequest.SetVringNum:
                VhostUserVringState state = MemoryMarshal.Read<VhostUserVringState>(payload);
                _rings[state.Index] = (default, (int)state.Number);
                goto default;
            case VhostUserRequest.SetVringAddr:
                VhostUserVringAddress address = MemoryMarshal.Read<VhostUserVringAddress>(payload);
                _rings[address.Index] = (address, _rings[address.Index].Size);
                goto default;
            case VhostUserRequest.SetVringEnable:
                IsDone = random.OneIn(3);
                goto default;
            default:
                if ((header.Flags & VhostUserHeader.NeedReply) != 0)
                    Answer(header, 0);
                break;
        }
    }

    /// <summary>
    /// Writes anything into the rings, for a while. They lie in this process's own memory, at the addresses that the port has
    /// said, and stay there while the port is open.
    /// </summary>
    public void SpoilRings()
    {
        (VhostUserVringAddress Address, int Size)[] rings = [.. _rings.Values.Where(ring => ring.Address.Used != 0)];
        for (int i = rings.Length == 0 ? 0 : random.Next(300); i > 0; i--)
        {
            (VhostUserVringAddress address, int size) = random.Pick(rings);
            Spoil(address, size);
            if (random.OneIn(3))
                Serve(milliseconds: 0);
            Thread.SpinWait(random.Next(200));
        }
    }

    private void Spoil(VhostUserVringAddress address, int size)
    {
        int eventLength = EventSuppression.Length;
        switch (random.Next(4))
        {
            case 0:
                random.Mutate(new Span<byte>((void*)address.Descriptor, size * SplitDescriptor.Length));
                break;
            case 1:
                random.Mutate(new Span<byte>((void*)address.Available, _isPacked ? eventLength : AvailableRing.HeaderLength + (size * sizeof(ushort))));
                break;
            case 2 when !_isPacked:
                // As if some buffers were used, in any order.
                var used = (UsedRing*)address.Used;
                ushort index = used->Index;
                for (int i = random.Next(8); i > 0; i--)
                {
                    ((UsedElement*)(address.Used + UsedRing.HeaderLength))[index++ % size] = new UsedElement
                    {
                        Id = (uint)random.Next(size),
                        Written = (uint)(random.OneIn(4) ? random.Odd() : (ulong)random.Next(12, 2000)),
                    };
                }

                Volatile.Write(ref used->Index, index);
                break;
            case 2:
                PackedDescriptor* descriptor = (PackedDescriptor*)address.Descriptor + random.Next(size);
                descriptor->BufferLength = (uint)random.Next(12, 2000);
                descriptor->Flags ^= DescriptorFlags.Used;
                break;
            default:
                random.Mutate(new Span<byte>((void*)address.Used, _isPacked ? eventLength : UsedRing.HeaderLength + (size * UsedElement.Length)));
                break;
        }
    }

    private void Answer(VhostUserHeader header, ulong payload)
    {
        byte[] bytes = new byte[VhostUserHeader.Length + sizeof(ulong)];
        header.Flags = VhostUserHeader.Version | VhostUserHeader.Reply;
        header.PayloadLength = sizeof(ulong);
        MemoryMarshal.Write(bytes, header);
        MemoryMarshal.Write(bytes.AsSpan(VhostUserHeader.Length), payload);
        var script = new List<FuzzMessage> { new(bytes) };
        if (random.OneIn(_oneIn))
            random.Spoil(script, files);
        foreach (FuzzMessage message in script)
            peer.Send(message.Bytes, message.Files);
    }
}
