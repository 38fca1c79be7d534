using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.DeviceModels.Tests.Suites;

/// <summary>NICs that take VLAN tags out of frames and put them in.</summary>
/// <inheritdoc/>
public abstract unsafe class NicVlanTests<TModel> : NicSuite<TModel>
    where TModel : NicModel, new()
{
    // Priority 5, VLAN 0xABC.
    private const ushort Tci = 0xAABC;

    [Fact]
    public void Tags_are_stripped_where_they_are() => Run(bed =>
    {
        bed.Start(configuration => configuration with { Offloads = PortOffloads.RxVlanStrip });
        for (int i = 0; i < 100; i++)
        {
            byte[] frame = TestFrames.To(bed.Port.MacAddress, 64 + (i * 14), i);
            bool tagged = i % 3 != 0;
            ushort tci = (ushort)(Tci + i);
            bed.Wire.Send(tagged ? TestFrame.Tag(frame, tci) : frame);
            Packet packet = bed.Receive(1)[0];
            AssertSame(frame, NicTestBed.Content(packet));
            Assert.Equal(tagged ? MbufFlags.RxVlanStripped : MbufFlags.None, packet.Mbuf->Flags);
            if (tagged)
                Assert.Equal(tci, packet.Mbuf->VlanTci);
            packet.Free();
        }

        Assert.Equal((ulong)Enumerable.Range(0, 100).Sum(i => 64 + (i * 14)), bed.Port.GetStatistics().InputBytes);
    });

    [Fact]
    public void Tags_stay_where_stripping_is_not_asked_for() => Run(bed =>
    {
        bed.Start(configuration => configuration with { Offloads = PortOffloads.RxVlanStrip });
        bed.Port.Stop();
        bed.Start();
        AssertArrive(bed, Enumerable.Range(0, 10).Select(i => TestFrame.Tag(TestFrames.To(bed.Port.MacAddress, 64, i), Tci)));
    });

    [Fact]
    public void Tags_are_inserted_where_they_are_asked_for() => Run(bed =>
    {
        bed.Start(configuration => configuration with { Offloads = PortOffloads.TxVlanInsert });
        byte[][] frames = [.. Enumerable.Range(0, 300).Select(i => TestFrames.To(TestFrames.Stranger, 60 + (i * 4), i))];
        foreach (byte[][] batch in frames.Chunk(30))
        {
            Packet[] packets = [.. batch.Select(frame => bed.CreatePacket(frame))];
            for (int i = 0; i < packets.Length; i++)
            {
                if (IsTagged(i))
                {
                    packets[i].Mbuf->Flags |= MbufFlags.TxVlanInsert;
                    packets[i].Mbuf->VlanTci = (ushort)(Tci + i);
                }
            }

            bed.Send(packets);
            AssertOnWire(bed.Wire, batch.Select((frame, i) => IsTagged(i) ? TestFrame.Tag(frame, (ushort)(Tci + i)) : frame));
        }

        static bool IsTagged(int i) => i % 4 is 1 or 2;
    });
}
