using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests;

/// <summary>A guest that the tests of a class share, since a boot takes seconds.</summary>
public abstract class GuestFixture : IDisposable
{
    private readonly Lazy<Guest> _guest;

    private protected GuestFixture(GuestOptions options) => _guest = new Lazy<Guest>(() => Boot(options));

    /// <summary>The guest, which the first test boots: a failure is then a failure of a test.</summary>
    internal Guest Guest => _guest.Value;

    public void Dispose()
    {
        if (_guest.IsValueCreated)
            _guest.Value.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>What is done once before the first test.</summary>
    private protected virtual void Prepare(Guest guest)
    {
    }

    private Guest Boot(GuestOptions options)
    {
        Guest guest = Guest.Boot(options);
        try
        {
            Prepare(guest);
            return guest;
        }
        catch
        {
            guest.Dispose();
            throw;
        }
    }
}
