using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Dataplane.DeviceModels.Tests.Startup;

/// <summary>
/// What the measured program and the one that measures it say to each other, a line each, through standard output and input.
/// The streams are bare ones: a console with its encodings would be a part of what is measured.
/// </summary>
internal sealed class StartLog
{
    /// <summary>Starts a line with a file, an address and a length, to be made memory of the device; answered by a line.</summary>
    public const string Memory = "memory ";

    /// <summary>Starts the line with the times of all stages.</summary>
    public const string Times = "times ";

    private readonly Stream _output = Console.OpenStandardOutput();
    private readonly Stream _input = Console.OpenStandardInput();
    private readonly long[] _times = new long[Enum.GetValues<StartStage>().Length];

    /// <summary>A stage is reached now.</summary>
    public void Reached(StartStage stage) => _times[(int)stage] = Stopwatch.GetTimestamp();

    /// <summary>Asks for memory of the device, and waits until it is there.</summary>
    public void AddMemory(string path, ulong address, ulong length)
    {
        Write(string.Create(CultureInfo.InvariantCulture, $"{Memory}{path} {address} {length}\n"));
        AwaitAnswer();
    }

    /// <summary>Tells the times, and waits until they are taken.</summary>
    public void End()
    {
        Write(string.Create(CultureInfo.InvariantCulture, $"{Times}{string.Join(' ', _times)}\n"));
        AwaitAnswer();
    }

    private void Write(string line) => _output.Write(Encoding.ASCII.GetBytes(line));

    private void AwaitAnswer()
    {
        if (_input.ReadByte() < 0)
            throw new InvalidOperationException("The program that measures this one is gone");
    }
}
