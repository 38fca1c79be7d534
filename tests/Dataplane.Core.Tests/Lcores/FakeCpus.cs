using Dataplane.Testing;

namespace Dataplane.Core.Tests.Lcores;

/// <summary>CPUs of a <see cref="FakeMachine"/>, as sysfs shows them.</summary>
internal static class FakeCpus
{
    public static void AddCpu(
        this FakeMachine machine, int cpu, int core, int package, string siblings, string file = "thread_siblings_list")
    {
        string topology = $"/sys/devices/system/cpu/cpu{cpu}/topology";
        machine[$"{topology}/core_id"] = $"{core}";
        machine[$"{topology}/physical_package_id"] = $"{package}";
        machine[$"{topology}/{file}"] = siblings;
    }

    /// <summary>A server with two packages of two cores of two threads: CPU n and n + 4 are one core.</summary>
    public static FakeMachine SmtServer()
    {
        var machine = new FakeMachine
        {
            ["/sys/devices/system/cpu/online"] = "0-7",
            ["/sys/devices/system/node/online"] = "0-1",
            ["/sys/devices/system/node/node0/cpulist"] = "0-1,4-5",
            ["/sys/devices/system/node/node1/cpulist"] = "2-3,6-7",
        };
        for (int cpu = 0; cpu < 8; cpu++)
            machine.AddCpu(cpu, core: cpu % 2, package: cpu % 4 / 2, $"{cpu % 4},{cpu % 4 + 4}");
        return machine;
    }
}
