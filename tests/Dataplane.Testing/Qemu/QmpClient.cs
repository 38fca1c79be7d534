using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Dataplane.Testing.Qemu;

/// <summary>Commands to a QEMU through QMP (docs/interop/qmp-spec.rst). One thread at a time.</summary>
public sealed class QmpClient : IDisposable
{
    private const int Patience = 60_000;

    private readonly StreamReader _reader;
    private readonly NetworkStream _stream;
    private readonly Func<string> _messages;

    /// <summary>Takes the greeting, after which commands are allowed.</summary>
    /// <param name="socket">Owned by this object.</param>
    /// <param name="messages">What QEMU wrote to standard error, for the case that it is gone.</param>
    public QmpClient(Socket socket, Func<string> messages)
    {
        socket.ReceiveTimeout = Patience;
        _messages = messages;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(_stream);
        Read();
        Execute("qmp_capabilities");
    }

    /// <summary>Runs a command to its end.</summary>
    /// <returns>What it returned.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public JsonNode Execute(string command, JsonObject? arguments = null)
    {
        var request = new JsonObject { ["execute"] = command };
        if (arguments is not null)
            request["arguments"] = arguments;
        _stream.Write(System.Text.Encoding.UTF8.GetBytes(request.ToJsonString() + "\n"));
        while (true)
        {
            JsonNode answer = Read();
            if (answer["return"] is { } result)
                return result;
            if (answer["error"] is { } error)
                throw new InvalidOperationException($"QMP: {request.ToJsonString()}: {error.ToJsonString()}");
        }
    }

    /// <summary>Plugs the cable of a NIC in or out.</summary>
    /// <param name="id">Of the device or its netdev.</param>
    /// <param name="up">Whether it is in.</param>
    public void SetLink(string id, bool up) => Execute("set_link", new JsonObject { ["name"] = id, ["up"] = up });

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _stream.Dispose();
    }

    private JsonNode Read()
    {
        string line = _reader.ReadLine() ?? throw new InvalidOperationException($"QEMU ended: {_messages()}");
        return JsonNode.Parse(line)!;
    }
}
