using System.Diagnostics;
using Dataplane.Testing.Qemu;
using Dataplane.Vm.Tests.Forwarding;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Comparison;

/// <summary>How soon a program forwards its first packet.</summary>
internal static class FirstPacket
{
    private const int FrameLength = 60;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>Starts it and sends frames into its first NIC until one comes out of the second.</summary>
    /// <returns>The program, and the time from the start of its process.</returns>
    public static (GuestCommand Program, TimeSpan Time) Await(Guest guest, Forwarder forwarder)
    {
        byte[] frame = Traffic.FrameFor(guest.Nics[0].MacAddress, FrameLength);
        Wire from = guest.Wires[0], to = guest.Wires[1];
        GuestCommand program = forwarder.Launch(guest);
        _ = program.Pid;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < s_patience)
        {
            from.Send(frame);
            if (to.Receive(s_pause) is { } received && Traffic.IsOurs(received))
                return (program, Stopwatch.GetElapsedTime(start));
        }

        throw guest.Failure($"{forwarder.Name} forwards nothing:\n{program.Output}\n{program.Errors}");
    }
}
