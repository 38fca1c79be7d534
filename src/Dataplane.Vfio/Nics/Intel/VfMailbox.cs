using System.Diagnostics;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// The VF's end of the mailbox to its PF, which a driver of another process or system serves (82576 data sheet 7.10.2.9 and
/// 8.14.3, 82599 7.10.2.9 and 8.3.5.1.5): 16 words that both write, and a register by which they take turns. Control plane only.
/// </summary>
/// <param name="registers">Of the VF.</param>
/// <param name="control">Offset of the mailbox register in bytes.</param>
/// <param name="memory">Offset of the first of the words in bytes.</param>
internal sealed class VfMailbox<TRegisters>(TRegisters registers, int control, int memory)
    where TRegisters : struct, IRegisterSpace
{
    /// <summary>Words of a message at most.</summary>
    public const int Length = 16;

    /// <summary>In the first word of an answer: the PF did it.</summary>
    public const uint Ack = 1u << 31;

    /// <summary>In the first word of an answer: the PF refused.</summary>
    public const uint Nack = 1u << 30;

    /// <summary>In the first word of what the PF sends: the VF may send requests. Without it, it must reset first.</summary>
    public const uint ClearToSend = 1u << 29;

    private const uint Request = 1 << 0;
    private const uint Received = 1 << 1;
    private const uint OwnedByVf = 1 << 2;
    private const uint PfSent = 1 << 4;
    private const uint PfReceived = 1 << 5;
    private const uint PfInReset = 1 << 6;
    private const uint PfResetDone = 1 << 7;
    private const uint ClearedByRead = PfSent | PfReceived | PfResetDone;

    /// <summary>A PF's driver answers from an interrupt; one on a busy virtual machine takes its time.</summary>
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();

    // What reading has cleared and nobody has asked for yet.
    private uint _seen;

    /// <summary>Whether the PF was reset, or went away, since this was asked last.</summary>
    public bool TakePfReset() => Take(PfResetDone | PfInReset);

    /// <summary>Waits until the PF is not in reset.</summary>
    /// <returns>False if it still is when the time is over.</returns>
    public bool WaitForPf(TimeSpan atMost)
    {
        long start = Stopwatch.GetTimestamp();
        while (TakePfReset())
        {
            if (Stopwatch.GetElapsedTime(start) >= atMost)
                return false;
            Thread.Sleep(1);
        }

        return true;
    }

    /// <summary>Sends a request and takes the answer.</summary>
    /// <param name="message">The request; where it stood, the answer.</param>
    /// <returns>False if no answer came in time.</returns>
    public bool TryRequest(Span<uint> message)
    {
        // A notice may come between; the answer repeats what was asked.
        var asked = (ushort)message[0];
        lock (_gate)
        {
            if (!TrySend(message) || !Wait(PfReceived, s_answerTime))
                return false;
            do
            {
                if (!Wait(PfSent, s_answerTime) || !TryRead(message))
                    return false;
            }
            while ((ushort)message[0] != asked);
            return true;
        }
    }

    /// <summary>Takes what the PF said without being asked, such as that the link changed.</summary>
    /// <param name="message">Its first words.</param>
    /// <returns>Whether there was something.</returns>
    public bool TryTakeNotice(Span<uint> message)
    {
        lock (_gate)
            return Take(PfSent) && TryRead(message);
    }

    private bool TrySend(ReadOnlySpan<uint> message)
    {
        if (!TryOwn())
            return false;
        // What was there before belongs to nobody any more.
        _ = Take(PfSent | PfReceived);
        for (int i = 0; i < message.Length; i++)
            registers.Write32(memory + (i * sizeof(uint)), message[i]);
        registers.Write32(control, Request);
        return true;
    }

    private bool TryRead(Span<uint> message)
    {
        if (!TryOwn())
            return false;
        for (int i = 0; i < message.Length; i++)
            message[i] = registers.Read32(memory + (i * sizeof(uint)));
        registers.Write32(control, Received);
        return true;
    }

    /// <summary>Takes the words for this side; the write that ends the turn gives them up.</summary>
    private bool TryOwn()
    {
        long start = Stopwatch.GetTimestamp();
        do
        {
            registers.Write32(control, OwnedByVf);
            if ((ReadControl() & OwnedByVf) != 0)
                return true;
            Thread.Sleep(1);
        }
        while (Stopwatch.GetElapsedTime(start) < s_answerTime);
        return false;
    }

    private bool Wait(uint bits, TimeSpan atMost)
    {
        long start = Stopwatch.GetTimestamp();
        while (!Take(bits))
        {
            if (Stopwatch.GetElapsedTime(start) >= atMost)
                return false;
            Thread.Sleep(1);
        }

        return true;
    }

    private bool Take(uint bits)
    {
        lock (_gate)
        {
            bool found = (ReadControl() & bits) != 0;
            _seen &= ~bits;
            return found;
        }
    }

    private uint ReadControl()
    {
        lock (_gate)
        {
            uint value = registers.Read32(control);
            // All ones: nothing is there any more.
            if (value == uint.MaxValue)
                value = PfInReset;
            _seen |= value & ClearedByRead;
            return value | _seen;
        }
    }
}
