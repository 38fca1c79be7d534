using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// One connection: its socket, its messages and its end. Everything runs on the loop of the hub. What the peer does
/// wrong ends this connection with a sentence, and nothing else.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The end of the connection, which always comes, gives everything back.")]
internal abstract class MemifSession
{
    private const string LostMemory = "cut short the memory that it shares";

    private const string FullCounter = "filled the counter of the eventfd that it is woken by";

    /// <summary>How often it is looked whether a peer has cut its memory short, or cannot be woken, or sleeps.</summary>
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a peer may take to connect.</summary>
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);

    private readonly PeerSocket _socket;
    private readonly ReceivedDescriptors _descriptors = new(capacity: 1);
    private readonly List<IMemifQueue> _attached = [];
    private PeerTimer? _timer;
    private bool _hasEnded;

    protected MemifSession(MemifHub hub, PeerSocket socket)
    {
        Hub = hub;
        _socket = socket;
        _timer = hub.Loop.After(HandshakeLimit, () => EndFor("did not finish to connect within 10 s", "Timeout"));
        hub.Loop.Watch(socket.Handle, OnReadable);
    }

    /// <summary>The port; null while a server does not know it.</summary>
    public MemifPort? Port { get; protected set; }

    /// <summary>The process at the other end: "testpmd (pid 123)".</summary>
    public string Peer => _socket.Peer;

    protected MemifHub Hub { get; }

    /// <summary>The memory of the connection.</summary>
    protected MemifRegions Regions { get; } = new();

    /// <summary>Whether the peer keeps a counter full that it is woken by, so that it is woken no more.</summary>
    protected abstract bool IsKickAbused { get; }

    /// <summary>Ends the connection from our side.</summary>
    /// <param name="reason">What the peer is told.</param>
    public void Close(string reason)
    {
        Tell(reason);
        End(isViolation: false, null);
    }

    /// <summary>A message that the protocol has here.</summary>
    /// <exception cref="PeerViolationException">It does not.</exception>
    protected abstract void OnMessage(in MemifMessage message, ReceivedDescriptors descriptors);

    /// <summary>The connection is over; queues are detached already.</summary>
    protected abstract void OnEnd();

    /// <summary>Sends a message. If the peer has closed the connection meanwhile, that is seen when its next message is read.</summary>
    protected void Send(in MemifMessage message) =>
        _socket.TrySend(MemoryMarshal.AsBytes(new ReadOnlySpan<MemifMessage>(in message)));

    /// <summary>Sends a message with a descriptor.</summary>
    protected void Send(in MemifMessage message, SafeFileHandle descriptor) =>
        _socket.TrySend(MemoryMarshal.AsBytes(new ReadOnlySpan<MemifMessage>(in message)), descriptor);

    /// <summary>Lets frames flow through a queue.</summary>
    protected void Attach(IMemifQueue queue, MemifQueueLink link)
    {
        _attached.Add(queue);
        queue.Attach(link);
    }

    /// <summary>From now on the connection stands: there is no limit of time any more.</summary>
    protected void Established()
    {
        _timer?.Dispose();
        _timer = null;
        Watch();
    }

    /// <summary>For queues: any thread may say that the peer broke a rule.</summary>
    protected void Report(string rule) => Hub.Loop.Post(() => EndFor(rule, rule));

    /// <summary>Ends the connection because of what the peer did.</summary>
    /// <param name="rule">As it reads after the peer's name.</param>
    /// <param name="told">What the peer is told.</param>
    protected void EndFor(string rule, string told)
    {
        if (_hasEnded)
            return;
        // Zeros instead of what was there break one rule or another.
        if (Regions.IsLost)
            (rule, told) = (LostMemory, LostMemory);
        Tell(told);
        End(isViolation: true, rule);
    }

    /// <summary>The peer has ended the connection, as the protocol has it.</summary>
    /// <param name="reason">Its words.</param>
    protected void EndByPeer(string reason) => End(isViolation: false, reason);

    private void OnReadable()
    {
        try
        {
            for (int i = 0; i < PeerSocket.MostPerTurn && !_hasEnded; i++)
            {
                if (!TryReceive())
                    return;
            }
        }
        catch (PeerViolationException violation)
        {
            EndFor(violation.Message, violation.Message);
        }
        catch (DataplaneException exception)
        {
            // Of our own making: there is no memory, or there are no descriptors.
            Tell("Internal error");
            End(isViolation: false, exception.Message);
        }
        finally
        {
            _descriptors.Clear();
        }
    }

    private bool TryReceive()
    {
        MemifMessage message = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<MemifMessage>(ref message));
        if (!_socket.TryReceive(bytes, _descriptors, out int length))
            return false;
        if (length == 0)
        {
            End(isViolation: false, "closed the connection");
            return false;
        }

        if (length != MemifMessage.Length)
            throw new PeerViolationException($"sent a message of {length} bytes; all have {MemifMessage.Length}");
        if (message.Type == MemifMessageType.Disconnect)
            EndByPeer($"disconnected: {MemifText.Read(message.Disconnect.Reason)}");
        else
            OnMessage(message, _descriptors);
        _descriptors.Clear();
        return true;
    }

    private void Watch()
    {
        if (Regions.IsLost)
        {
            EndFor(LostMemory, LostMemory);
            return;
        }

        if (IsKickAbused)
        {
            EndFor(FullCounter, FullCounter);
            return;
        }

        _attached.ForEach(static queue => queue.WakeSleeper());
        _timer = Hub.Loop.After(WatchInterval, Watch);
    }

    private void Tell(string reason)
    {
        var message = new MemifMessage { Type = MemifMessageType.Disconnect };
        MemifText.Write(message.Disconnect.Reason, reason);
        try
        {
            Send(message);
        }
        catch (PeerViolationException)
        {
            // It does not read; it will see that the socket is closed.
        }
    }

    private void End(bool isViolation, string? reason)
    {
        if (_hasEnded)
            return;
        _hasEnded = true;
        _timer?.Dispose();
        Hub.Loop.Unwatch(_socket.Handle);
        _socket.Dispose();
        _attached.ForEach(static queue => queue.Detach());
        OnEnd();
        Hub.Retire(Regions);
        if (Port is { } port)
            port.OnDisconnected(this, reason, isViolation);
        else if (isViolation)
            Hub.OnStrangerRefused(this, reason!);
    }
}
