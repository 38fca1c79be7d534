using System.Diagnostics;
using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>
/// A connection to a back end: asks what it can, and shows it memory and rings. On the loop's thread only. What is said
/// is written down as scripts, one after the other: each stops where it needs an answer and goes on when that is there.
/// </summary>
internal sealed class VirtioUserSession : IDisposable
{
    /// <summary>How long a back end may take for an answer.</summary>
    private static readonly TimeSpan AnswerAtMost = TimeSpan.FromSeconds(5);

    /// <summary>The position of an empty packed ring: both wrap counters are 1, for what is available and for what is used.</summary>
    private const uint PackedStart = (uint)EventSuppression.WrapBit | ((uint)EventSuppression.WrapBit << 16);

    private readonly VhostUserChannel _channel;
    private readonly SharedRegions _regions;
    private readonly EventFd _silentCall;
    private readonly Queue<IEnumerator<VhostUserRequest>> _scripts = new();
    private readonly List<SharedRegion> _announced = [];
    private long _askedAt;
    private VirtioFeatures _offered;
    private VhostUserProtocolFeatures _protocol;
    private ulong _mostPairs = 1;
    private ulong _mostSlots = VhostUserMemory.MaxRegions;
    private IReadOnlyList<IVirtioUserRing> _rings = [];

    /// <param name="socket">The connection; owned by this object.</param>
    /// <param name="regions">The memory of this process.</param>
    /// <param name="silentCall">For rings that are not to be signalled; the port's.</param>
    public VirtioUserSession(PeerSocket socket, SharedRegions regions, EventFd silentCall)
    {
        _channel = new VhostUserChannel(socket);
        _regions = regions;
        _silentCall = silentCall;
    }

    public PeerSocket Socket => _channel.Socket;

    /// <summary>What was negotiated for the rings that run.</summary>
    public VirtioFeatures Features { get; private set; }

    /// <summary>Whether packets flow.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>Asks the back end what it can. First of all.</summary>
    /// <exception cref="PeerViolationException">It broke a rule.</exception>
    public void Begin() => Play(Negotiate());

    /// <summary>Shows the back end the rings and lets packets flow.</summary>
    /// <param name="rings">At least one that receives and one that sends; not used by another session.</param>
    /// <param name="wanted">What may be accepted of what the back end offers.</param>
    /// <param name="running">Called when packets flow.</param>
    /// <exception cref="PeerViolationException">The back end broke a rule.</exception>
    /// <exception cref="DataplaneException">It cannot be used.</exception>
    public void Run(IReadOnlyList<IVirtioUserRing> rings, VirtioFeatures wanted, Action running) =>
        Play(SetUp(rings, wanted, running));

    /// <summary>Has the back end let go of the rings.</summary>
    /// <param name="stopped">Called when all buffers are back.</param>
    /// <exception cref="PeerViolationException">The back end broke a rule.</exception>
    public void Stop(Action stopped) => Play(TearDown(stopped));

    /// <summary>Shows the back end memory that has come since, before it is used.</summary>
    /// <param name="announced">Called when the back end knows it.</param>
    /// <exception cref="PeerViolationException">The back end broke a rule.</exception>
    /// <exception cref="DataplaneException">It does not take that much.</exception>
    public void Announce(Action announced) => Play(ShowNewMemory(announced));

    /// <summary>Looks whether the back end takes all of the memory.</summary>
    /// <exception cref="DataplaneException">It does not.</exception>
    public void CheckRegions()
    {
        int regions = Has(VhostUserProtocolFeatures.ConfigureMemSlots) ? _regions.Segments.Count : _regions.Merged().Count;
        if ((ulong)regions <= _mostSlots)
            return;
        throw new DataplaneException(
            $"takes at most {_mostSlots} regions of memory, and there are {regions}",
            "run with --single-file-segments, or set memory aside at the start (-m)");
    }

    /// <summary>Handles what has arrived.</summary>
    /// <returns>False if the back end has closed the connection.</returns>
    /// <exception cref="PeerViolationException">The back end broke a rule.</exception>
    public bool TryServe()
    {
        while (true)
        {
            VhostUserArrival arrival = _channel.TryReceive();
            if (arrival != VhostUserArrival.Message)
                return arrival == VhostUserArrival.Nothing;
            TakeAnswer(_channel.Header);
            Continue();
        }
    }

    /// <summary>Looks at what lcores have found wrong, and how long the back end has not answered.</summary>
    /// <exception cref="PeerViolationException">The back end broke a rule.</exception>
    public void Check()
    {
        if (_scripts.TryPeek(out IEnumerator<VhostUserRequest>? script) && Stopwatch.GetElapsedTime(_askedAt) > AnswerAtMost)
            throw new PeerViolationException($"does not answer {script.Current} within {AnswerAtMost.TotalSeconds} s");
        foreach (IVirtioUserRing ring in _rings)
        {
            if (ring.IsBroken)
                throw new PeerViolationException($"gave a buffer of ring {ring.RingIndex} back that it did not have");
            if (ring.Kick.IsAbused)
                throw new PeerViolationException($"filled the counter of the eventfd that ring {ring.RingIndex} is to kick it by");
        }
    }

    /// <summary>Ends the connection and lets no lcore in any more; buffers stay where they are.</summary>
    public void Disconnect()
    {
        CloseRings();
        _scripts.Clear();
        _channel.Dispose();
    }

    /// <summary>Ends the connection and takes all buffers back.</summary>
    public void Dispose()
    {
        Disconnect();
        EndRings();
    }

    private IEnumerator<VhostUserRequest> Negotiate()
    {
        Send(VhostUserRequest.SetOwner);
        yield return Ask(VhostUserRequest.GetFeatures);
        _offered = (VirtioFeatures)_channel.Read<ulong>();
        if ((_offered & VirtioFeatures.Version1) == 0)
            throw new PeerViolationException($"offers the features 0x{(ulong)_offered:x}, without VIRTIO_F_VERSION_1");
        if ((_offered & VirtioFeatures.UserProtocolFeatures) == 0)
            yield break;
        yield return Ask(VhostUserRequest.GetProtocolFeatures);
        _protocol = (VhostUserProtocolFeatures)_channel.Read<ulong>() & VirtioUserFeatures.Protocol;
        Send(VhostUserRequest.SetProtocolFeatures, (ulong)_protocol);
        if (Has(VhostUserProtocolFeatures.Mq))
        {
            yield return Ask(VhostUserRequest.GetQueueNum);
            _mostPairs = _channel.Read<ulong>();
        }

        if (Has(VhostUserProtocolFeatures.ConfigureMemSlots))
        {
            yield return Ask(VhostUserRequest.GetMaxMemSlots);
            _mostSlots = _channel.Read<ulong>();
        }
    }

    private IEnumerator<VhostUserRequest> SetUp(IReadOnlyList<IVirtioUserRing> rings, VirtioFeatures wanted, Action running)
    {
        CheckPairs(rings.Count(ring => ring.RingIndex % 2 == 0));
        Features = _offered & wanted;
        _rings = rings;
        foreach (IVirtioUserRing ring in rings)
            ring.Make(Features);

        // The back end makes a ring when it first hears of it, which must be before the features.
        foreach (IVirtioUserRing ring in rings)
            yield return TellFile(VhostUserRequest.SetVringCall, ring, (ring.Call ?? _silentCall).Handle);
        if (Has(VhostUserProtocolFeatures.Status))
            yield return Tell(VhostUserRequest.SetStatus, (ulong)(VirtioStatus.Acknowledge | VirtioStatus.Driver));
        yield return Tell(VhostUserRequest.SetFeatures, (ulong)Features);
        if (Has(VhostUserProtocolFeatures.Status))
            yield return Tell(VhostUserRequest.SetStatus, (ulong)(VirtioStatus.Acknowledge | VirtioStatus.Driver | VirtioStatus.FeaturesOk));
        foreach (VhostUserRequest answer in ShowMemory())
            yield return answer;
        foreach (IVirtioUserRing ring in rings)
        {
            foreach (VhostUserRequest answer in Show(ring))
                yield return answer;

            // Without acknowledgements this keeps us from sending more than the socket holds.
            yield return Ask(VhostUserRequest.GetFeatures);
        }

        foreach (IVirtioUserRing ring in rings)
            yield return TellEnable(ring, enabled: true);
        if (Has(VhostUserProtocolFeatures.Status))
            yield return Tell(VhostUserRequest.SetStatus, (ulong)(VirtioStatus.Acknowledge | VirtioStatus.Driver | VirtioStatus.FeaturesOk | VirtioStatus.DriverOk));

        // When this is answered, everything before has been done, acknowledged or not.
        yield return Ask(VhostUserRequest.GetFeatures);
        foreach (IVirtioUserRing ring in rings)
            ring.Open();
        IsRunning = true;
        running();
    }

    private IEnumerator<VhostUserRequest> TearDown(Action stopped)
    {
        CloseRings();
        foreach (IVirtioUserRing ring in _rings)
            yield return TellEnable(ring, enabled: false);
        foreach (IVirtioUserRing ring in _rings)
            yield return Ask(VhostUserRequest.GetVringBase, new VhostUserVringState { Index = ring.RingIndex });
        if (_rings.Count != 0 && Has(VhostUserProtocolFeatures.Status))
            yield return Tell(VhostUserRequest.SetStatus, 0UL);
        EndRings();
        stopped();
    }

    private IEnumerator<VhostUserRequest> ShowNewMemory(Action announced)
    {
        if (IsRunning)
        {
            // A table replaces the one before as a whole, addresses of all rings included.
            bool pauses = !Has(VhostUserProtocolFeatures.ConfigureMemSlots);
            foreach (IVirtioUserRing ring in pauses ? _rings : [])
                yield return TellEnable(ring, enabled: false);
            foreach (VhostUserRequest answer in ShowMemory())
                yield return answer;
            foreach (IVirtioUserRing ring in pauses ? _rings : [])
                yield return TellEnable(ring, enabled: true);
            yield return Ask(VhostUserRequest.GetFeatures);
        }

        announced();
    }

    private IEnumerable<VhostUserRequest> ShowMemory()
    {
        CheckRegions();
        if (!Has(VhostUserProtocolFeatures.ConfigureMemSlots))
        {
            yield return TellTable();
            yield break;
        }

        foreach (SharedRegion region in _regions.Segments.Except(_announced).ToArray())
        {
            yield return Tell(
                VhostUserRequest.AddMemReg, new VhostUserSingleMemoryRegion { Region = region.Message }, region.File);
            _announced.Add(region);
        }
    }

    private IEnumerable<VhostUserRequest> Show(IVirtioUserRing ring)
    {
        bool isPacked = (Features & VirtioFeatures.RingPacked) != 0;
        VirtqueueAddresses addresses = ring.Addresses;
        yield return Tell(VhostUserRequest.SetVringNum, StateOf(ring, (uint)ring.Size));
        yield return Tell(VhostUserRequest.SetVringBase, StateOf(ring, isPacked ? PackedStart : 0));
        yield return Tell(VhostUserRequest.SetVringAddr, new VhostUserVringAddress
        {
            Index = ring.RingIndex,
            Descriptor = addresses.Descriptors,
            Available = addresses.Driver,
            Used = addresses.Device,
        });
        yield return TellFile(VhostUserRequest.SetVringKick, ring, ring.Kick.Handle);
    }

    private VhostUserRequest TellTable()
    {
        IReadOnlyList<SharedRegion> regions = _regions.Merged();
        var table = new VhostUserMemory { RegionCount = (uint)regions.Count };
        for (int i = 0; i < regions.Count; i++)
            table.Regions[i] = regions[i].Message;
        int length = VhostUserMemory.HeaderLength + (regions.Count * VhostUserMemoryRegion.Length);
        return Tell(
            VhostUserRequest.SetMemTable,
            MemoryMarshal.AsBytes(new ReadOnlySpan<VhostUserMemory>(ref table))[..length],
            [.. regions.Select(region => region.File)]);
    }

    private VhostUserRequest TellFile(VhostUserRequest request, IVirtioUserRing ring, SafeFileHandle file) =>
        Tell(request, (ulong)ring.RingIndex, file);

    /// <summary>Without protocol features rings are enabled from the start.</summary>
    private VhostUserRequest TellEnable(IVirtioUserRing ring, bool enabled) =>
        (Features & VirtioFeatures.UserProtocolFeatures) != 0
            ? Tell(VhostUserRequest.SetVringEnable, StateOf(ring, enabled ? 1u : 0u))
            : VhostUserRequest.None;

    private static VhostUserVringState StateOf(IVirtioUserRing ring, uint number) =>
        new() { Index = ring.RingIndex, Number = number };

    private VhostUserRequest Ask(VhostUserRequest request)
    {
        Send(request);
        return request;
    }

    private VhostUserRequest Ask<T>(VhostUserRequest request, T payload)
        where T : unmanaged
    {
        Send(request, payload);
        return request;
    }

    private VhostUserRequest Tell<T>(VhostUserRequest request, T payload, params ReadOnlySpan<SafeFileHandle> files)
        where T : unmanaged => Tell(request, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(ref payload)), files);

    /// <summary>Says something that has no answer of its own.</summary>
    /// <returns>What is to be waited for: an acknowledgement if back ends give them, else nothing.</returns>
    private VhostUserRequest Tell(VhostUserRequest request, ReadOnlySpan<byte> payload, params ReadOnlySpan<SafeFileHandle> files)
    {
        bool acknowledges = Has(VhostUserProtocolFeatures.ReplyAck);
        _ = _channel.TrySend(request, acknowledges ? VhostUserHeader.NeedReply : 0, payload, files);
        return acknowledges ? request : VhostUserRequest.None;
    }

    /// <summary>Sends. That the connection is closed is heard where it is read.</summary>
    private void Send(VhostUserRequest request) => _ = _channel.TrySend(request, 0, []);

    private void Send<T>(VhostUserRequest request, T payload)
        where T : unmanaged => _ = _channel.TrySend(request, 0, payload);

    private void TakeAnswer(VhostUserHeader header)
    {
        if ((header.Flags & VhostUserHeader.Reply) == 0)
            throw new PeerViolationException($"sent a {header.Request} message, which is no answer");
        VhostUserRequest asked = _scripts.TryPeek(out IEnumerator<VhostUserRequest>? script)
            ? script.Current : VhostUserRequest.None;
        if (asked == VhostUserRequest.None)
            throw new PeerViolationException($"answered {header.Request} where nothing was asked");
        if (header.Request != asked)
            throw new PeerViolationException($"answered {header.Request} where {asked} was to be answered");
        bool isAcknowledgement = asked is not (VhostUserRequest.GetFeatures or VhostUserRequest.GetProtocolFeatures
            or VhostUserRequest.GetQueueNum or VhostUserRequest.GetMaxMemSlots or VhostUserRequest.GetVringBase);
        if (isAcknowledgement && _channel.Read<ulong>() != 0)
            throw new PeerViolationException($"refused {asked}");
    }

    private void Play(IEnumerator<VhostUserRequest> script)
    {
        _scripts.Enqueue(script);
        if (_scripts.Count == 1)
            Continue();
    }

    /// <summary>Goes on until an answer is needed.</summary>
    private void Continue()
    {
        _askedAt = Stopwatch.GetTimestamp();
        while (_scripts.TryPeek(out IEnumerator<VhostUserRequest>? script))
        {
            while (script.MoveNext())
            {
                if (script.Current != VhostUserRequest.None)
                    return;
            }

            _scripts.Dequeue();
        }
    }

    private void CheckPairs(int pairs)
    {
        if ((ulong)pairs <= _mostPairs)
            return;
        throw new DataplaneException(
            $"has {_mostPairs} pairs of queues, and {pairs} are to be used", "give the back end as many queues, or the port fewer");
    }

    private bool Has(VhostUserProtocolFeatures feature) => (_protocol & feature) != 0;

    private void CloseRings()
    {
        IsRunning = false;
        foreach (IVirtioUserRing ring in _rings)
            ring.Close();
    }

    private void EndRings()
    {
        foreach (IVirtioUserRing ring in _rings)
            ring.End();
        _rings = [];
    }
}
