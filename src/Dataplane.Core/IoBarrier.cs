using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Dataplane.Linux;

namespace Dataplane;

/// <summary>
/// Order towards a device: between memory that it reads or writes by DMA and its registers. For memory that only CPUs
/// share, <see cref="Volatile"/> and <see cref="Interlocked"/> are right and cheaper; on Arm they stop at the inner
/// shareable domain, which a device need not be in.
/// </summary>
/// <remarks>
/// <list type="table">
/// <listheader><term>Barrier</term><description>x86-64; arm64</description></listheader>
/// <item><term>Store</term><description>nothing but order in the compiler; <c>dmb oshst</c></description></item>
/// <item><term>Load</term><description>nothing but order in the compiler; <c>dmb oshld</c></description></item>
/// <item><term>Full</term><description><c>mfence</c>; <c>dmb osh</c></description></item>
/// </list>
/// x86-64: write-back memory and uncached registers see stores in program order, loads likewise (Intel SDM vol. 3A 9.2.2,
/// AMD APM vol. 2 7.2), so only the JIT must not move accesses across. <see cref="Volatile.WriteBarrier"/> and
/// <see cref="Volatile.ReadBarrier"/> are exactly that to the JIT and emit no instruction there. Write-combining
/// registers and non-temporal stores need <see cref="Full"/>.
/// </remarks>
public static class IoBarrier
{
    /// <summary>Stores before it are visible to the device before stores after it: descriptors, then the doorbell.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store()
    {
        if (X86Base.X64.IsSupported)
            Volatile.WriteBarrier();
        else
            Shim.IoStoreBarrier();
    }

    /// <summary>Loads before it are done before loads and stores after it: a descriptor's status, then what it guards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load()
    {
        if (X86Base.X64.IsSupported)
            Volatile.ReadBarrier();
        else
            Shim.IoLoadBarrier();
    }

    /// <summary>Everything before it is done before anything after it: a store, then a load that must not pass it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Full() => Shim.IoFullBarrier();
}
