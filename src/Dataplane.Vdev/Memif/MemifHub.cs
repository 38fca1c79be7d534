using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Vdev.Peers;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// All ports of a runtime that use the same socket: one control thread for them, and one listener for those of them that
/// are servers. Ports find it through the ports made before them; the last one that leaves ends it.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The last port that leaves gives everything back.")]
internal sealed class MemifHub
{
    /// <summary>As peers are told who we are.</summary>
    public const string ProgramName = "Dataplane";

    /// <summary>Connections that have not said yet which port they want; more are refused.</summary>
    private const int MaxStrangers = 32;

    private static readonly TimeSpan ReleaseInterval = TimeSpan.FromMilliseconds(100);

    private readonly ILogger _logger;

    // The loop's.
    private readonly List<MemifPort> _ports = [];
    private readonly List<MemifServerSession> _strangers = [];
    private readonly List<MemifRegions> _retired = [];
    private PeerListener? _listener;
    private string? _lastRefusal;

    private MemifHub(string device, PeerAddress address, ILogger logger)
    {
        Address = address;
        _logger = logger;
        Loop = new PeerLoop($"memif-{device}", logger);
    }

    public PeerAddress Address { get; }

    public PeerLoop Loop { get; }

    /// <summary>The hub of an earlier port with the same socket, or a new one. A new one ends when a port has left it.</summary>
    public static MemifHub Find(string device, MemifOptions options, IEnumerable<MemifPort> earlier, ILogger logger) =>
        earlier.Select(port => port.Hub).FirstOrDefault(hub => hub is not null && hub.Has(options.Address))
        ?? new MemifHub(device, options.Address, logger);

    /// <summary>Brings a port in; the first server listens from then on.</summary>
    /// <exception cref="DataplaneException">Another port has the same id, or the socket is not to be had; the port is out again.</exception>
    public void Join(MemifPort port) => Loop.Invoke(() =>
    {
        try
        {
            MemifOptions options = port.Options;
            if (_ports.Find(other => other.Options.Id == options.Id && other.Options.IsServer == options.IsServer) is { } twin)
            {
                throw new DataplaneException(
                    $"{port.Name} cannot be {options}: {twin.Name} is already", "give each of them an id= of its own");
            }

            if (options.IsServer && _listener is null)
                Listen(port);
            _ports.Add(port);
        }
        catch
        {
            EndIfEmpty();
            throw;
        }
    });

    /// <summary>The port is closed.</summary>
    public void Leave(MemifPort port) => Loop.Invoke(() =>
    {
        _ports.Remove(port);
        if (!_ports.Exists(static other => other.Options.IsServer))
            StopListening();
        EndIfEmpty();
    });

    /// <summary>The started server of an id. On the loop.</summary>
    public MemifPort? FindServer(uint id) =>
        _ports.Find(port => port.Options.IsServer && port.Options.Id == id && port.IsEnabled);

    /// <summary>A session has found its port, or is over. On the loop.</summary>
    public void Forget(MemifServerSession session) => _strangers.Remove(session);

    /// <summary>A session is over; its memory is given back as soon as no packet refers to it. On the loop.</summary>
    public void Retire(MemifRegions regions)
    {
        if (regions.TryRelease())
            return;
        _retired.Add(regions);
        if (_retired.Count == 1)
            Loop.After(ReleaseInterval, ReleaseRetired);
    }

    /// <summary>Says who was refused before it was known which port it wanted. On the loop.</summary>
    public void OnStrangerRefused(MemifSession session, string reason)
    {
        // A client that tries again and again is named once.
        LogLevel level = $"{session.Peer} {reason}" == _lastRefusal ? LogLevel.Debug : LogLevel.Warning;
        _lastRefusal = $"{session.Peer} {reason}";
        _logger.Log(level, "{Address}: {Peer} {Reason}", Address, session.Peer, reason);
    }

    private bool Has(PeerAddress address) =>
        address.Name == Address.Name && address.IsAbstract == Address.IsAbstract && Loop.Invoke(() => _ports.Count != 0);

    private void Listen(MemifPort port)
    {
        _listener = new PeerListener(port.Name, Address, PeerSocketKind.Messages);
        if (!TryGiveAway(port.Options))
        {
            int errno = Errno.Last;
            StopListening();
            throw new DataplaneException(
                $"{port.Name} cannot give {Address} to user {port.Options.OwnerUid} and group {port.Options.OwnerGid}: {Errno.Describe(errno)}",
                "run with CAP_CHOWN, or leave owner-uid= and owner-gid= out");
        }

        Loop.Watch(_listener.Handle, Accept);
    }

    /// <summary>Makes the socket another user's, so that a client of that user may connect.</summary>
    private bool TryGiveAway(MemifOptions options) =>
        Address.IsAbstract
        || (options.OwnerUid ?? options.OwnerGid) is null
        || Libc.Chown(Address.Name, options.OwnerUid ?? uint.MaxValue, options.OwnerGid ?? uint.MaxValue) == 0;

    private void StopListening()
    {
        if (_listener is null)
            return;
        Loop.Unwatch(_listener.Handle);
        _listener.Dispose();
        _listener = null;
        foreach (MemifServerSession session in _strangers.ToArray())
            session.Close("Socket closed");
    }

    private void Accept()
    {
        for (int i = 0; i < PeerSocket.MostPerTurn && _listener?.TryAccept() is { } socket; i++)
        {
            if (_strangers.Count == MaxStrangers)
            {
                socket.Dispose();
                continue;
            }

            var session = new MemifServerSession(this, socket);
            _strangers.Add(session);
            session.SayHello();
        }
    }

    private void ReleaseRetired()
    {
        _retired.RemoveAll(static regions => regions.TryRelease());
        if (_retired.Count != 0)
            Loop.After(ReleaseInterval, ReleaseRetired);
    }

    private void EndIfEmpty()
    {
        if (_ports.Count != 0)
            return;
        foreach (MemifRegions regions in _retired)
        {
            // Somebody keeps packets beyond the end of their port: what they refer to stays for the life of the process.
            if (!regions.TryRelease())
                _ = GCHandle.Alloc(regions);
        }

        _retired.Clear();
        Loop.Dispose();
    }
}
