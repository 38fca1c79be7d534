using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.Memif;

/// <summary>Alone in the process: other tests open and close descriptors of their own.</summary>
[Collection(AllocationCollection.Name)]
public sealed class MemifReconnectTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Socket => _folder["memif.sock"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "server")]
    [InlineData("", "client")]
    [InlineData("zero-copy=yes", "server")]
    [InlineData("zero-copy=yes", "client")]
    public void Either_side_may_go_and_come_fifty_times_under_load_and_no_descriptor_or_packet_is_lost(string keys, string leaver)
    {
        using var stays = new MemifRig(MemifRig.Device(0, leaver == "server" ? "client" : "server", Socket, leaver == "server" ? keys : ""));
        stays.Start();
        Port here = stays[0];
        int descriptors = 0, mappings = 0;
        for (int round = 0; round < 50; round++)
        {
            using (var leaves = new MemifRig(MemifRig.Device(0, leaver, Socket, leaver == "client" ? keys : "")))
            {
                leaves.Start();
                Port there = leaves[0];
                leaves.WaitForLink(there);
                leaves.WaitForLink(here);
                byte[] frame = TestFrame.Create(1514, round);
                leaves.Exchange(there, here, frame.AsSpan(0, 60));
                stays.Exchange(here, there, frame);
                for (int i = 0; i < 100; i++)
                {
                    leaves.TrySend(there, frame);
                    stays.TrySend(here, frame);
                }

                // In flight on both sides, lent or not, when the other side goes.
                Packet held = stays.ReceiveOne(here);
                leaves.Receive(there);
                if (round % 2 == 0)
                    there.Stop();
                else
                    leaves.Dispose();
                Assert.Equal(frame, held.Data);
                held.Free();
            }

            stays.WaitForLink(here, isUp: false);
            if (round == 2)
                (descriptors, mappings) = (CountOpen(), CountMapped());
        }

        stays.WaitUntil(() => CountMapped() <= mappings, "memory of old connections is still mapped");
        Assert.InRange(CountOpen(), 0, descriptors + 2);
        here.Stop();
        Assert.Equal(0, stays.Pool.Statistics.InUse);
    }

    private static int CountOpen() => Directory.GetFiles("/proc/self/fd")
        .Count(file => new HostFiles().ReadLink(file) is { } target && (target.Contains("memif", StringComparison.Ordinal) || target.Contains("eventfd", StringComparison.Ordinal)));

    private static int CountMapped() => File.ReadLines("/proc/self/maps").Count(line => line.Contains("memif-net", StringComparison.Ordinal));
}
