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
        EndPeers();
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts what must be there before the guest is.</summary>
    private protected virtual void StartPeers()
    {
    }

    /// <summary>Ends what <see cref="StartPeers"/> has started; the guest is gone.</summary>
    private protected virtual void EndPeers()
    {
    }

    /// <summary>What is done once before the first test.</summary>
    private protected virtual void Prepare(Guest guest)
    {
    }

    private Guest Boot(GuestOptions options)
    {
        StartPeers();
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
