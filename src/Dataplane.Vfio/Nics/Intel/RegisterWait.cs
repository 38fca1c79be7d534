using System.Diagnostics;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>Polls a register until the device did what it was told, within a bound. Control plane only.</summary>
internal static class RegisterWait
{
    /// <summary>What every register reads as when nothing answers.</summary>
    private const uint AllOnes = uint.MaxValue;

    /// <summary>Waits until the bits of <paramref name="mask"/> are as in <paramref name="expected"/>.</summary>
    /// <param name="registers">Of the device.</param>
    /// <param name="offset">Of the register, in bytes.</param>
    /// <param name="mask">The bits that count.</param>
    /// <param name="expected">What they become.</param>
    /// <param name="atMost">When to give up.</param>
    /// <param name="device">The device's name, for the error.</param>
    /// <param name="register">The register's name and what it is waited for: <c>CTRL.RST to clear</c>.</param>
    /// <returns>The value that was read last.</returns>
    /// <exception cref="DataplaneException">It did not happen in time, or the device does not answer.</exception>
    public static uint Until<TRegisters>(
        TRegisters registers, int offset, uint mask, uint expected, TimeSpan atMost, string device, string register)
        where TRegisters : struct, IRegisterSpace
    {
        if (TryUntil(registers, offset, mask, expected, atMost, out uint value))
            return value;
        throw value == AllOnes
            ? NoAnswer(device)
            : new DataplaneException(
                $"{device}: waited {atMost.TotalMilliseconds} ms in vain for {register}: 0x{offset:x} reads 0x{value:x8}",
                "reset the device by unbinding and binding it, or restart the machine");
    }

    /// <summary>As <see cref="Until"/>, for what need not happen.</summary>
    public static bool TryUntil<TRegisters>(
        TRegisters registers, int offset, uint mask, uint expected, TimeSpan atMost, out uint value)
        where TRegisters : struct, IRegisterSpace
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            bool isLast = Stopwatch.GetElapsedTime(start) >= atMost;
            value = registers.Read32(offset);
            if ((value & mask) == expected && value != AllOnes)
                return true;
            if (isLast)
                return false;
            Thread.Sleep(1);
        }
    }

    /// <summary>The device that should be behind the registers is not.</summary>
    public static DataplaneException NoAnswer(string device) => new(
        $"{device} does not answer: its registers read as all ones",
        "check that it is still in its slot and that its link to the root port is up");
}
