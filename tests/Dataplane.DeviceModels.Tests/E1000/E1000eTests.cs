using Dataplane.DeviceModels.Tests.Suites;

namespace Dataplane.DeviceModels.Tests.E1000;

public sealed class E1000eTests : NicTests<E1000eModel>;

public sealed class E1000eLinkInterruptTests : NicLinkInterruptTests<E1000eModel>;

public sealed class E1000ePromiscuousTests : NicPromiscuousTests<E1000eModel>;

public sealed class E1000eJumboTests : NicJumboTests<E1000eModel>;

public sealed class E1000eTxChainTests : NicTxChainTests<E1000eModel>;

public sealed class E1000eVlanTests : NicVlanTests<E1000eModel>;

public sealed class E1000eRxChecksumTests : NicRxChecksumTests<E1000eModel>;

public sealed class E1000eTxChecksumTests : NicTxChecksumTests<E1000eModel>;

public sealed class E1000eMultiQueueTests : NicMultiQueueTests<E1000eModel>;

public sealed class E1000eRxInterruptTests : NicRxInterruptTests<E1000eModel>;
