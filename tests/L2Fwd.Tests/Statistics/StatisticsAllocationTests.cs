using L2Fwd.Statistics;

namespace L2Fwd.Tests.Statistics;

public class StatisticsAllocationTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Statistics_allocate_nothing_once_they_have_been_shown(bool json)
    {
        using var stream = new FileStream("/dev/null", FileMode.Open, FileAccess.Write);
        using var output = new L2Fwd.Terminal.Output(stream);
        using var forwarding = new TestForwarding("net_null0", "net_null1");
        using var jsonView = new JsonView(forwarding.Source, output, TimeProvider.System);
        IStatisticsView view = json ? jsonView : new ScreenView(forwarding.Source, output);
        StatisticsSnapshot now = forwarding.Capture();
        Show(10);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Show(100);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Show(int times)
        {
            for (int i = 0; i < times; i++)
            {
                now.Capture(forwarding.Source);
                view.Show(forwarding.Earlier, now);
            }
        }
    }
}
