using L2Fwd.Terminal;

namespace L2Fwd.Tests.Terminal;

public class OutputTests
{
    [Fact]
    public void A_full_disk_silences_the_output_and_stops_nothing()
    {
        var unbuffered = new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Write, BufferSize = 0 };
        using var full = new FileStream("/dev/full", unbuffered);
        using var output = new Output(full);

        output.Write("lost");
        output.Write("lost, too");
    }
}
