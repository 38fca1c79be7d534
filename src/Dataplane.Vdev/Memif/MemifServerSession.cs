using System.Security.Cryptography;
using Dataplane.Linux;
using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// A client of ours: HELLO; INIT says which port it wants; then it adds regions and rings, each of which is acknowledged;
/// CONNECT, and CONNECTED from us.
/// </summary>
internal sealed class MemifServerSession : MemifSession
{
    private readonly MemifRingPlace?[] _c2s = new MemifRingPlace?[MemifNumbers.MaxRings];
    private readonly MemifRingPlace?[] _s2c = new MemifRingPlace?[MemifNumbers.MaxRings];
    private string _program = "";
    private bool _isConnected;

    public MemifServerSession(MemifHub hub, PeerSocket socket)
        : base(hub, socket)
    {
    }

    private IEnumerable<MemifRingPlace> Rings => _c2s.Concat(_s2c).OfType<MemifRingPlace>();

    /// <summary>A client may have sent one file for all rings, and whoever looks first finds it full.</summary>
    protected override bool IsKickAbused => Rings.Any(static ring => ring.Event.IsAbused);

    /// <summary>Says what we can do; the first message.</summary>
    public void SayHello()
    {
        var message = new MemifMessage { Type = MemifMessageType.Hello };
        MemifText.Write(message.Hello.Name, MemifHub.ProgramName);
        message.Hello.MinVersion = MemifNumbers.Version;
        message.Hello.MaxVersion = MemifNumbers.Version;
        message.Hello.MaxRegion = MemifNumbers.MaxRegions - 1;
        message.Hello.MaxS2cRing = MemifNumbers.MaxRings - 1;
        message.Hello.MaxC2sRing = MemifNumbers.MaxRings - 1;
        message.Hello.MaxLog2RingSize = MemifNumbers.MaxLog2RingSize;
        try
        {
            Send(message);
        }
        catch (PeerViolationException violation)
        {
            EndFor(violation.Message, violation.Message);
        }
    }

    protected override void OnMessage(in MemifMessage message, ReceivedDescriptors descriptors)
    {
        bool isExpected = !_isConnected && (message.Type == MemifMessageType.Init) == Port is null;
        switch (message.Type)
        {
            case MemifMessageType.Init when isExpected:
                OnInit(message.Init);
                break;
            case MemifMessageType.AddRegion when isExpected:
                OnAddRegion(message.AddRegion, descriptors);
                break;
            case MemifMessageType.AddRing when isExpected:
                OnAddRing(message.AddRing, descriptors);
                break;
            case MemifMessageType.Connect when isExpected:
                OnConnect(MemifText.Read(message.InterfaceName));
                break;
            default:
                throw new PeerViolationException($"sent {message.Type} when it must not");
        }
    }

    protected override void OnEnd()
    {
        Hub.Forget(this);
        foreach (MemifRingPlace ring in Rings)
            ring.Event.Dispose();
    }

    private void OnInit(MemifInit init)
    {
        if (init.Version != MemifNumbers.Version)
            throw new PeerViolationException($"speaks version {init.Version >> 8}.{init.Version & 0xFF} of memif, not 2.0");
        MemifPort port = Hub.FindServer(init.Id)
            ?? throw new PeerViolationException($"asked for id {init.Id}, which no started port of {Hub.Address} has");
        if (port.Session is { } other)
            throw new PeerViolationException($"asked for id {init.Id}, to which {other.Peer} is connected");
        if (init.Mode != MemifNumbers.EthernetMode)
            throw new PeerViolationException("asked for another mode than Ethernet");
        CheckSecret(port, MemifText.Trim(init.Secret));
        Port = port;
        port.Session = this;
        Hub.Forget(this);
        _program = MemifText.Read(init.Name);
        Acknowledge();
    }

    private static void CheckSecret(MemifPort port, ReadOnlySpan<byte> secret)
    {
        if (port.Options.Secret.Length == 0)
            return;
        if (secret.IsEmpty)
            throw new PeerViolationException("gave no secret");
        MemifSecret expected = default;
        MemifText.Write(expected, port.Options.Secret);
        if (!CryptographicOperations.FixedTimeEquals(MemifText.Trim(expected), secret))
            throw new PeerViolationException("gave the wrong secret");
    }

    private void OnAddRegion(MemifAddRegion region, ReceivedDescriptors descriptors)
    {
        if (region.Index != Regions.Count || region.Index >= MemifNumbers.MaxRegions)
            throw new PeerViolationException($"added region {region.Index} where the next is {Regions.Count} of {MemifNumbers.MaxRegions}");
        using SafeFileHandle file = descriptors.Take(0);
        Regions.Add(PeerMemory.Map(file, 0, region.Size, $"region {region.Index}"));
        Acknowledge();
    }

    private void OnAddRing(MemifAddRing ring, ReceivedDescriptors descriptors)
    {
        bool isC2s = (ring.Flags & MemifNumbers.ClientToServer) != 0;
        string name = $"{(isC2s ? "C2S" : "S2C")} ring {ring.Index}";
        MemifRingPlace?[] places = isC2s ? _c2s : _s2c;
        int most = isC2s ? Port!.RxQueues.Count : Port!.TxQueues.Count;
        if (ring.Index >= most)
            throw new PeerViolationException($"added {name}, but {Port.Name} has {most} queues in that direction");
        if (places[ring.Index] is not null)
            throw new PeerViolationException($"added {name} twice");
        if (ring.Log2RingSize is 0 or > MemifNumbers.MaxLog2RingSize)
            throw new PeerViolationException($"added {name} of 2^{ring.Log2RingSize} descriptors; 2^1 to 2^{MemifNumbers.MaxLog2RingSize} are possible");
        if (ring.PrivateHeaderSize != 0)
            throw new PeerViolationException($"added {name} with private headers, which nobody has defined");
        if (ring.Region >= Regions.Count || ring.Offset % MemifRingLayout.DescriptorLength != 0)
            throw new PeerViolationException($"added {name} at offset {ring.Offset} of region {ring.Region}: rings start at multiples of 16 in a region");
        SafeFileHandle file = descriptors.Take(0);
        if (EventFd.TryWrap(file) is not { } wake)
        {
            file.Dispose();
            throw new PeerViolationException($"added {name} with a descriptor that is no eventfd");
        }

        places[ring.Index] = new MemifRingPlace(ring.Region, ring.Offset, ring.Log2RingSize, wake);
        Acknowledge();
    }

    private void OnConnect(string interfaceName)
    {
        MemifRingPlace[] rings = [.. Rings];
        MemifRingLayout layout = ChooseLayout(rings);
        int c2s = AttachAll(_c2s, layout, Port!.RxQueues.Cast<IMemifQueue>(), isRx: true);
        int s2c = AttachAll(_s2c, layout, Port.TxQueues.Cast<IMemifQueue>(), isRx: false);
        _isConnected = true;
        var message = new MemifMessage { Type = MemifMessageType.Connected };
        MemifText.Write(message.InterfaceName, Port.Name);
        Send(message);
        Established();
        Port.OnConnected(this, $"{interfaceName} of {_program}: {c2s} C2S and {s2c} S2C rings with {layout}");
    }

    private unsafe MemifRingLayout ChooseLayout(MemifRingPlace[] rings)
    {
        foreach (MemifRingPlace ring in rings)
        {
            CheckFits(ring, MemifRingLayout.Lines64);
            MemifRegion region = Regions.Table[ring.Region];
            if (*(uint*)(region.Address + ring.Offset) != MemifNumbers.Cookie)
                throw new PeerViolationException($"has no cookie at the start of the ring at offset {ring.Offset} of region {ring.Region}");
        }

        MemifRingLayout found = MemifRingPlace.FindLayout(rings, Regions);
        MemifRingLayout layout = Port!.Options.Layout ?? found;
        if (layout != found)
            throw new PeerViolationException($"has laid out its rings with {found}, where layout={layout.LineSize} of {Port.Name} wants {layout}: leave that key out");
        foreach (MemifRingPlace ring in rings)
            CheckFits(ring, layout);
        return layout;
    }

    private unsafe void CheckFits(MemifRingPlace ring, MemifRingLayout layout)
    {
        if (!ring.Fits(Regions.Table[ring.Region].Length, layout))
        {
            throw new PeerViolationException(
                $"put a ring of 2^{ring.Log2RingSize} descriptors with {layout} at offset {ring.Offset} of region {ring.Region}, which has {Regions.Table[ring.Region].Length} bytes");
        }
    }

    /// <summary>Attaches the queues that have a ring.</summary>
    /// <returns>How many.</returns>
    private unsafe int AttachAll(MemifRingPlace?[] places, MemifRingLayout layout, IEnumerable<IMemifQueue> queues, bool isRx)
    {
        int count = 0;
        foreach ((IMemifQueue queue, MemifRingPlace? place) in queues.Zip(places))
        {
            if (place is null)
                continue;
            var ring = new MemifRing(Regions.Table[place.Region].Address + place.Offset, layout, place.Log2RingSize);
            queue.Event?.ReplaceBy(place.Event);
            Attach(queue, new MemifQueueLink
            {
                Ring = ring,
                Regions = Regions.Table,
                RegionCount = Regions.Count,
                Kick = isRx ? null : place.Event,
                Returns = isRx ? Regions.CreateReturns(ring.Size) : null,
                Report = Report,
            });
            count++;
        }

        return count;
    }

    private void Acknowledge() => Send(new MemifMessage { Type = MemifMessageType.Ack });
}
