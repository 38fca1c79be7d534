using Dataplane.Linux;
using Dataplane.Testing;

namespace Dataplane.Core.Tests.Linux;

public class ShimTests
{
    [Fact]
    public void The_library_of_the_build_output_is_found_and_of_this_build() => Shim.Check();

    [Fact]
    public void The_declarations_are_those_of_the_header()
    {
        string header = File.ReadAllText(Repository.PathOf("native-shim/shim.h"));

        Assert.Contains($"#define DATAPLANE_SHIM_ABI {Shim.AbiVersion}\n", header);
    }

    [SkippableFact]
    public void The_self_test_passes_on_the_host()
    {
        Prerequisite.Require("cmake", "cmake");
        RunSelfTest();
    }

    [SkippableFact]
    public void The_self_test_passes_on_arm64_under_qemu()
    {
        Prerequisite.Require("cmake", "cmake");
        Prerequisite.Require("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross");
        Prerequisite.Require("qemu-aarch64-static", "qemu-user-static");
        RunSelfTest($"-DCMAKE_TOOLCHAIN_FILE={Repository.PathOf("native-shim/toolchains/linux-arm64.cmake")}");
    }

    private static void RunSelfTest(params string[] cmakeArguments)
    {
        using var folder = new TemporaryFolder();

        Shell.Run("cmake", ["-S", Repository.PathOf("native-shim"), "-B", folder.FullName, .. cmakeArguments]);
        Shell.Run("cmake", "--build", folder.FullName);
        string report = Shell.Run("ctest", "--test-dir", folder.FullName, "--output-on-failure", "--no-tests=error");

        Assert.Contains("100% tests passed", report);
    }
}
