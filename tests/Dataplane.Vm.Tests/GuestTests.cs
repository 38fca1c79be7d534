using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests;

/// <summary>
/// Tests in a guest. Behind each the guest's kernel must not have seen a device reach beyond the memory that it was given;
/// a test that fails shows the end of the guest's console.
/// </summary>
/// <typeparam name="TFixture">The guest.</typeparam>
public abstract class GuestTests<TFixture>(TFixture fixture, ITestOutputHelper output) : IClassFixture<TFixture>, IDisposable
    where TFixture : GuestFixture
{
    /// <summary>Where the test runs.</summary>
    internal Guest Guest { get; } = fixture.Guest;

    /// <summary>Ends what a test that failed has left behind, so that the others do not fail too.</summary>
    public void Dispose()
    {
        Guest.EndCommands();
        output.WriteLine(Guest.ConsoleTail);
        Assert.Empty(Guest.DmaFaults);
        GC.SuppressFinalize(this);
    }
}
