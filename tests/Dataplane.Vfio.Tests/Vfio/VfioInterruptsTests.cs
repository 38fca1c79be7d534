using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vfio.Vfio;

namespace Dataplane.Vfio.Tests.Vfio;

public sealed class VfioInterruptsTests : IDisposable
{
    private readonly Line _line = new();
    private readonly RecordingLogger _log = new();

    public void Dispose()
    {
        _line.Dispose();
        _log.Dispose();
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData("legacy", "; leave out --vfio-intr=legacy if it has MSI or MSI-X")]
    public void A_line_that_cannot_be_shared_leaves_the_device_without_interrupts_and_says_why(string? wanted, string remedy)
    {
        _line.Refusal = Errno.EBUSY;

        using VfioInterrupts interrupts = Open(wanted);

        Assert.Equal(0, interrupts.Vectors);
        Assert.Equal(
            "0000:01:00.0 goes on without interrupts, so a change of its link is seen only when the link is asked for: "
            + "another device has the same interrupt line (INTx), and one of both cannot share it" + remedy,
            Assert.Single(_log.Lines));
        interrupts.Disable();
    }

    [Fact]
    public void Another_refusal_fails_the_start()
    {
        _line.Refusal = Errno.EINVAL;
        using VfioInterrupts interrupts = Open();

        Assert.Equal(
            "Cannot enable the interrupts of 0000:01:00.0 (legacy): Invalid argument",
            Assert.Throws<DataplaneException>(() => interrupts.Enable(() => { }, [])).Message);
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void A_line_that_is_free_is_taken_when_interrupts_are_enabled_and_unmasked_behind_each()
    {
        using VfioInterrupts interrupts = Open();
        Assert.Null(_line.Signal);

        using var seen = new ManualResetEventSlim();
        interrupts.Enable(seen.Set, []);
        _line.Signal!.Signal();

        Assert.True(seen.Wait(TimeSpan.FromSeconds(10)));
        Assert.True(_line.Unmasked.Wait(TimeSpan.FromSeconds(10)));
        interrupts.Disable();
        Assert.Null(_line.Signal);
        Assert.Equal(1, interrupts.Vectors);
    }

    private VfioInterrupts Open(string? wanted = null) => new(_line, wanted, _ => { }, _log);

    /// <summary>A device that has an interrupt line and nothing else.</summary>
    private sealed class Line : IInterruptSource, IDisposable
    {
        /// <summary>What the kernel says to who wants the line; 0 for yes.</summary>
        public int Refusal { get; set; }

        /// <summary>What the line signals.</summary>
        public EventFd? Signal { get; private set; }

        public ManualResetEventSlim Unmasked { get; } = new();

        public string Name => "0000:01:00.0";

        public int InterruptCount(uint index) => index == VfioNumbers.VFIO_PCI_INTX_IRQ_INDEX ? 1 : 0;

        public bool TrySignal(uint index, IReadOnlyList<EventFd> vectors)
        {
            Marshal.SetLastPInvokeError(Refusal);
            if (Refusal == 0)
                Signal = vectors.Single();
            return Refusal == 0;
        }

        public void EndSignals(uint index) => Signal = null;

        public void Unmask(uint index) => Unmasked.Set();

        public void Dispose() => Unmasked.Dispose();
    }
}
