using Dataplane.DeviceModels.Tests.Suites;

namespace Dataplane.DeviceModels.Tests.Virtio;

public sealed class VirtioTests : NicTests<VirtioModel>;

public sealed class VirtioLinkInterruptTests : NicLinkInterruptTests<VirtioModel>;

public sealed class VirtioPromiscuousTests : NicPromiscuousTests<VirtioModel>;

public sealed class VirtioJumboTests : NicJumboTests<VirtioModel>;

public sealed class VirtioTxChainTests : NicTxChainTests<VirtioModel>;

public sealed class VirtioVlanTests : NicVlanTests<VirtioModel>;

public sealed class VirtioRxInterruptTests : NicRxInterruptTests<VirtioModel>;

public sealed class VirtioPackedTests : NicTests<VirtioPackedModel>;

public sealed class VirtioPackedLinkInterruptTests : NicLinkInterruptTests<VirtioPackedModel>;

public sealed class VirtioPackedPromiscuousTests : NicPromiscuousTests<VirtioPackedModel>;

public sealed class VirtioPackedJumboTests : NicJumboTests<VirtioPackedModel>;

public sealed class VirtioPackedTxChainTests : NicTxChainTests<VirtioPackedModel>;

public sealed class VirtioPackedVlanTests : NicVlanTests<VirtioPackedModel>;

public sealed class VirtioPackedRxInterruptTests : NicRxInterruptTests<VirtioPackedModel>;

public sealed class VirtioPlainTests : NicTests<VirtioPlainModel>;

public sealed class VirtioPlainLinkInterruptTests : NicLinkInterruptTests<VirtioPlainModel>;

public sealed class VirtioPlainPromiscuousTests : NicPromiscuousTests<VirtioPlainModel>;

public sealed class VirtioPlainTxChainTests : NicTxChainTests<VirtioPlainModel>;

public sealed class VirtioPlainVlanTests : NicVlanTests<VirtioPlainModel>;

public sealed class VirtioPlainRxInterruptTests : NicRxInterruptTests<VirtioPlainModel>;

public sealed class VirtioPackedPlainTests : NicTests<VirtioPackedPlainModel>;

public sealed class VirtioPackedPlainLinkInterruptTests : NicLinkInterruptTests<VirtioPackedPlainModel>;

public sealed class VirtioPackedPlainPromiscuousTests : NicPromiscuousTests<VirtioPackedPlainModel>;

public sealed class VirtioPackedPlainTxChainTests : NicTxChainTests<VirtioPackedPlainModel>;

public sealed class VirtioPackedPlainVlanTests : NicVlanTests<VirtioPackedPlainModel>;

public sealed class VirtioPackedPlainRxInterruptTests : NicRxInterruptTests<VirtioPackedPlainModel>;
