using System.Collections.Concurrent;
using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Peers;

public sealed class PeerListenerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder["socket"];

    private PeerAddress Address => PeerAddress.File("net_memif0", Path);

    [Fact]
    public void A_path_has_107_bytes_at_most()
    {
        string longest = "/" + new string('x', 106);
        Assert.Equal(longest, PeerAddress.File("p", longest).ToString());
        Exception failure = Assert.Throws<DataplaneException>(() => PeerAddress.File("p", longest + "x"));
        Assert.Contains("is 108 bytes long, and that of a Unix socket at most 107", failure.Message);
        Assert.Throws<DataplaneException>(() => PeerAddress.Abstract("p", longest + "x"));
        Assert.Throws<DataplaneException>(() => PeerAddress.File("p", ""));
        Assert.Throws<DataplaneException>(() => PeerAddress.File("p", "a\0b"));
    }

    [Fact]
    public void The_longest_path_and_the_longest_abstract_name_work()
    {
        string path = Path + new string('x', PeerAddress.MaxLength - Path.Length);
        string name = Guid.NewGuid().ToString("N").PadRight(PeerAddress.MaxLength, 'x');
        foreach (PeerAddress address in new[] { PeerAddress.File("p", path), PeerAddress.Abstract("p", name) })
        {
            using var listener = new PeerListener("p", address, PeerSocketKind.Messages);
            using PeerSocket? client = PeerSocket.TryConnect(address, PeerSocketKind.Messages, out string reason);
            Assert.True(client is not null, reason);
            using PeerSocket? server = listener.TryAccept();
            Assert.NotNull(server);
            Assert.Null(listener.TryAccept());
        }
    }

    [Fact]
    public void What_a_dead_process_left_is_replaced_and_the_file_removed_at_the_end()
    {
        LeaveSocketBehind();
        using (Listen())
            Assert.True(File.Exists(Path));
        Assert.False(IsThere());
    }

    [Fact]
    public void One_that_is_in_use_is_refused_with_the_name_of_its_holder()
    {
        using PeerListener first = Listen();
        Exception failure = Assert.Throws<DataplaneException>(Listen);
        Assert.Contains($"(pid {Environment.ProcessId}) does already", failure.Message);
        failure = Assert.Throws<DataplaneException>(() => new PeerListener("p", Address, PeerSocketKind.Stream));
        Assert.Contains("another process does already", failure.Message);
        Assert.True(IsThere());
    }

    [Fact]
    public void An_abstract_name_in_use_is_refused_too()
    {
        PeerAddress address = PeerAddress.Abstract("p", Guid.NewGuid().ToString("N"));
        using var first = new PeerListener("p", address, PeerSocketKind.Messages);
        Exception failure = Assert.Throws<DataplaneException>(() => new PeerListener("p", address, PeerSocketKind.Messages));
        Assert.Contains($"@{address.Name}", failure.Message);
        Assert.Contains($"(pid {Environment.ProcessId}) does already", failure.Message);
    }

    [Fact]
    public void A_file_that_is_no_socket_is_never_removed()
    {
        File.WriteAllText(Path, "precious");
        Exception failure = Assert.Throws<DataplaneException>(Listen);
        Assert.Contains("is no socket", failure.Message);
        Assert.Equal("precious", File.ReadAllText(Path));
    }

    [Fact]
    public void What_another_process_has_put_in_its_place_stays_at_the_end()
    {
        PeerListener first = Listen();
        File.Delete(Path);
        using PeerListener second = Listen();
        first.Dispose();
        first.Dispose();
        Assert.True(IsThere());
        using PeerSocket? client = PeerSocket.TryConnect(Address, PeerSocketKind.Messages, out _);
        Assert.NotNull(client);
    }

    [Fact]
    public void Of_several_that_start_together_where_a_dead_process_left_its_socket_one_listens_and_the_others_are_told()
    {
        for (int round = 0; round < 100; round++)
        {
            File.Delete(Path);
            LeaveSocketBehind();
            var listeners = new ConcurrentBag<PeerListener>();
            var refusals = new ConcurrentBag<string>();
            using var barrier = new Barrier(3);
            Thread[] threads = [.. Enumerable.Range(0, barrier.ParticipantCount).Select(_ => new Thread(() =>
            {
                barrier.SignalAndWait();
                try
                {
                    listeners.Add(Listen());
                }
                catch (DataplaneException refusal)
                {
                    refusals.Add(refusal.Message);
                }
            }))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            PeerListener listener = Assert.Single(listeners);
            Assert.Equal(2, refusals.Count);
            Assert.All(refusals, refusal => Assert.Contains($"(pid {Environment.ProcessId}) does already", refusal));
            Assert.Equal("", ReasonOf(PeerSocketKind.Messages));
            listener.Dispose();
        }
    }

    [Fact]
    public void A_missing_directory_is_named_with_what_makes_it()
    {
        Exception failure = Assert.Throws<DataplaneException>(() =>
            new PeerListener("net_memif0", PeerAddress.File("net_memif0", _folder["a/b"]), PeerSocketKind.Messages));
        Assert.StartsWith($"net_memif0 cannot listen on {_folder["a/b"]}: there is no directory {_folder["a"]}; ", failure.Message);
        Assert.Contains($"mkdir -p {_folder["a"]}", failure.Message);
    }

    [Fact]
    public void Who_cannot_connect_is_told_why()
    {
        Assert.Equal($"{Path} does not exist", ReasonOf(PeerSocketKind.Messages));
        LeaveSocketBehind();
        Assert.Equal($"nobody listens on {Path}", ReasonOf(PeerSocketKind.Messages));
        using PeerListener listener = Listen();
        Assert.Equal($"whoever listens on {Path} speaks another protocol", ReasonOf(PeerSocketKind.Stream));
        Assert.Equal("", ReasonOf(PeerSocketKind.Messages));
    }

    public void Dispose() => _folder.Dispose();

    private PeerListener Listen() => new("net_memif0", Address, PeerSocketKind.Messages);

    private bool IsThere() => Libc.TryGetStatus(Path, out _);

    private string ReasonOf(PeerSocketKind kind)
    {
        using PeerSocket? socket = PeerSocket.TryConnect(Address, kind, out string reason);
        return reason;
    }

    private unsafe void LeaveSocketBehind()
    {
        SockaddrUn name;
        uint length = Address.Write(&name);
        using SafeFileHandle socket = PeerSocket.Open(PeerSocketKind.Messages);
        Assert.Equal(0, Libc.Bind(socket, &name, length));
    }
}
