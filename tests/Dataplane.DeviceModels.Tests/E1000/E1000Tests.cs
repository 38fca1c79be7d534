using Dataplane.DeviceModels.Tests.Suites;

namespace Dataplane.DeviceModels.Tests.E1000;

public sealed class E1000Tests : NicTests<E1000Model>;

public sealed class E1000LinkInterruptTests : NicLinkInterruptTests<E1000Model>;

public sealed class E1000PromiscuousTests : NicPromiscuousTests<E1000Model>;

public sealed class E1000JumboTests : NicJumboTests<E1000Model>;

public sealed class E1000TxChainTests : NicTxChainTests<E1000Model>;

public sealed class E1000VlanTests : NicVlanTests<E1000Model>;

public sealed class E1000TxChecksumTests : NicTxChecksumTests<E1000Model>;
