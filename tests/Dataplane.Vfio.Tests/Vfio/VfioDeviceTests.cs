using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vfio.Pci;
using Dataplane.Vfio.Vfio;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Tests.Vfio;

public sealed class VfioDeviceTests : IDisposable
{
    private const string Address = "0000:01:00.0";
    private const string Token = "14d63f20-8445-11ea-8900-1f9ce7d5650d";

    private readonly FakeMachine _machine = new();
    private readonly List<string> _asked = [];

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData(Errno.EINVAL)]
    [InlineData(Errno.ENODEV)]
    public void A_device_that_has_no_use_for_the_token_is_opened_without(int error)
    {
        using SafeFileHandle handle = Open(name => name == Address ? 0 : error);

        Assert.False(handle.IsInvalid);
        Assert.Equal([$"{Address} vf_token={Token}", Address], _asked);
    }

    [Fact]
    public void A_device_that_wants_another_token_is_not_asked_again()
    {
        var refusal = Assert.Throws<DataplaneException>(() => Open(_ => Errno.EACCES));

        Assert.Contains("not with the token", refusal.Problem);
        Assert.Single(_asked);
    }

    private SafeFileHandle Open(Func<string, int> kernel)
    {
        new FakePciFunction(Address) { Driver = "vfio-pci", Group = 7 }.AddTo(_machine);
        PciDevice device = new PciInventory(_machine.Files).Read(Address)!;
        return VfioDevice.Open(
            name =>
            {
                _asked.Add(name);
                int error = kernel(name);
                SafeFileHandle handle = error == 0 ? File.OpenHandle("/dev/null") : new SafeFileHandle(-1, ownsHandle: true);
                Marshal.SetLastPInvokeError(error);
                return handle;
            },
            device,
            Guid.Parse(Token));
    }
}
