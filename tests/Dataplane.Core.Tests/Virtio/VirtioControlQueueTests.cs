using Dataplane.Core.Tests.Memory;
using Dataplane.Virtio;

namespace Dataplane.Core.Tests.Virtio;

public sealed class VirtioControlQueueTests : IDisposable
{
    private readonly TestPool _pool = new(count: 1);

    public void Dispose() => _pool.Dispose();

    [Theory]
    [InlineData(VirtioFeatures.Version1)]
    [InlineData(VirtioFeatures.Version1 | VirtioFeatures.RingPacked | VirtioFeatures.RingEventIdx)]
    internal void A_command_says_class_command_and_data_and_waits_for_the_answer(VirtioFeatures features)
    {
        using VirtioControlQueue queue = Create(features, TimeSpan.FromSeconds(30));
        using var device = new AnsweringDevice(queue, features);
        for (int i = 0; i < 40; i++)
        {
            byte[] data = [.. Enumerable.Range(0, i * 7).Select(n => (byte)n)];
            device.Answer = (byte)(i % 2);

            Assert.Equal(i % 2 == 0, queue.TrySend(VirtioNetCommand.MqRssConfig, data));

            Assert.Equal([4, 1, .. data], device.Commands[^1]);
        }
    }

    [Fact]
    public void A_device_that_does_not_answer_is_not_asked_twice()
    {
        using VirtioControlQueue queue = Create(VirtioFeatures.Version1, TimeSpan.FromMilliseconds(20));

        var e = Assert.Throws<DataplaneException>(() => queue.TrySend(VirtioNetCommand.RxPromiscuous, [1]));
        Assert.Contains("0000:00:00.0: the device does not answer the control queue's command RxPromiscuous", e.Message, StringComparison.Ordinal);
        Assert.Throws<DataplaneException>(() => queue.TrySend(VirtioNetCommand.RxPromiscuous, [0]));

        queue.Start();
        using var device = new AnsweringDevice(queue, VirtioFeatures.Version1);
        Assert.True(queue.TrySend(VirtioNetCommand.RxPromiscuous, [0]));
        Assert.Equal([0, 0, 0], device.Commands.Single());
    }

    [Fact]
    public void A_configuration_of_hashes_is_laid_out_as_the_specification_says()
    {
        byte[] data = VirtioRssConfiguration.Encode(hashTypes: 0x3F, entries: 4, rxQueues: 3, txQueues: 2);

        Assert.Equal(
            [0x3F, 0, 0, 0, /* mask */ 3, 0, /* unclassified */ 0, 0, /* table */ 0, 0, 1, 0, 2, 0, 0, 0, /* max_tx_vq */ 2, 0, 40, 0x6D, 0x5A],
            data[..21]);
        Assert.Equal(19 + 40, data.Length);
    }

    private VirtioControlQueue Create(VirtioFeatures features, TimeSpan atMost)
    {
        var options = new VirtqueueOptions { Memory = _pool.Memory, Name = "control", Size = 16, Features = features };
        VirtioControlQueue queue = VirtioQueues.CreateControl(options, new CountingNotifier(new StrongCount()), "0000:00:00.0", atMost);
        queue.Start();
        return queue;
    }

    /// <summary>A device that answers commands, on a thread of its own.</summary>
    private sealed class AnsweringDevice : IDisposable
    {
        private readonly Thread _thread;
        private bool _stopping;

        public AnsweringDevice(VirtioControlQueue queue, VirtioFeatures features)
        {
            _thread = new Thread(() => Run(TestDevice.Create(queue.Addresses, queue.Size, features)));
            _thread.Start();
        }

        /// <summary>What it answers; set and read between commands only, as <see cref="Commands"/>.</summary>
        public byte Answer { get; set; }

        public List<byte[]> Commands { get; } = [];

        public void Dispose()
        {
            Volatile.Write(ref _stopping, true);
            _thread.Join();
        }

        private void Run(TestDevice device)
        {
            while (!Volatile.Read(ref _stopping))
            {
                if (device.Take() is not { } command)
                    continue;
                Commands.Add(command.Read());
                command.Write([Answer]);
                device.Use(command, 1);
            }
        }
    }
}
