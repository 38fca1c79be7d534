using System.Collections.Concurrent;
using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>A model and its cable, as the suites want them.</summary>
internal sealed class ModelMachine : INicMachine
{
    private readonly DeviceModel _model;
    private readonly Action<bool> _setLink;
    private readonly ModelFunction _function;

    /// <param name="model">The device.</param>
    /// <param name="id">What it says it is.</param>
    /// <param name="vectors">Interrupt vectors.</param>
    /// <param name="setLink">Plugs the cable in or out.</param>
    public ModelMachine(DeviceModel model, PciId id, int vectors, Action<bool> setLink)
    {
        _model = model;
        _setLink = setLink;
        _function = new ModelFunction(model, id, vectors);
        Wire = new ModelWire(model);
    }

    public INicFunction Nic => _function;

    public IReadOnlyList<INicFunction> VirtualFunctions => [];

    public IWire Wire { get; }

    public string Complaints => string.Join('\n', _model.Complaints);

    public void SetLink(bool up) => _setLink(up);

    public void PullOut()
    {
        _model.IsGone = true;
        _model.IsBusMaster = false;
    }

    /// <summary>The model checks each address; a wrong one is a complaint.</summary>
    public void AssertNoStrayDma()
    {
    }

    public void Dispose() => _function.Dispose();

    /// <summary>A sender that waits while the device's packet buffer is full, as QEMU's does.</summary>
    private sealed class ModelWire : IWire
    {
        private readonly DeviceModel _model;
        private readonly BlockingCollection<byte[]> _sent = [];

        public ModelWire(DeviceModel model)
        {
            _model = model;
            model.Wire = _sent.Add;
        }

        public void Send(ReadOnlySpan<byte> frame) => _model.DeliverOrWait(frame);

        public byte[] Receive() => Receive(NicTestBed.Patience) ?? throw new TimeoutException("The device did not send a frame");

        public byte[]? Receive(TimeSpan timeout) => _sent.TryTake(out byte[]? frame, timeout) ? frame : null;
    }
}
