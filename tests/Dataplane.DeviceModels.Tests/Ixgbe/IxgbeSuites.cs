using Dataplane.DeviceModels.Tests.Suites;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

public sealed class I82599Tests : NicTests<I82599Model>;

public sealed class I82599LinkInterruptTests : NicLinkInterruptTests<I82599Model>;

public sealed class I82599PromiscuousTests : NicPromiscuousTests<I82599Model>;

public sealed class I82599JumboTests : NicJumboTests<I82599Model>;

public sealed class I82599TxChainTests : NicTxChainTests<I82599Model>;

public sealed class I82599VlanTests : NicVlanTests<I82599Model>;

public sealed class I82599RxChecksumTests : NicRxChecksumTests<I82599Model>;

public sealed class I82599TxChecksumTests : NicTxChecksumTests<I82599Model>;

public sealed class I82599MultiQueueTests : NicMultiQueueTests<I82599Model>;

public sealed class I82599RxInterruptTests : NicRxInterruptTests<I82599Model>;

public sealed class X540Tests : NicTests<X540Model>;

public sealed class X540LinkInterruptTests : NicLinkInterruptTests<X540Model>;

public sealed class X540PromiscuousTests : NicPromiscuousTests<X540Model>;

public sealed class X540JumboTests : NicJumboTests<X540Model>;

public sealed class X540TxChainTests : NicTxChainTests<X540Model>;

public sealed class X540VlanTests : NicVlanTests<X540Model>;

public sealed class X540RxChecksumTests : NicRxChecksumTests<X540Model>;

public sealed class X540TxChecksumTests : NicTxChecksumTests<X540Model>;

public sealed class X540MultiQueueTests : NicMultiQueueTests<X540Model>;

public sealed class X540RxInterruptTests : NicRxInterruptTests<X540Model>;

public sealed class X550Tests : NicTests<X550Model>;

public sealed class X550LinkInterruptTests : NicLinkInterruptTests<X550Model>;

public sealed class X550PromiscuousTests : NicPromiscuousTests<X550Model>;

public sealed class X550JumboTests : NicJumboTests<X550Model>;

public sealed class X550TxChainTests : NicTxChainTests<X550Model>;

public sealed class X550VlanTests : NicVlanTests<X550Model>;

public sealed class X550RxChecksumTests : NicRxChecksumTests<X550Model>;

public sealed class X550TxChecksumTests : NicTxChecksumTests<X550Model>;

public sealed class X550MultiQueueTests : NicMultiQueueTests<X550Model>;

public sealed class X550RxInterruptTests : NicRxInterruptTests<X550Model>;

public sealed class I82599VfTests : NicTests<I82599VfModel>;

public sealed class I82599VfLinkInterruptTests : NicLinkInterruptTests<I82599VfModel>;

public sealed class I82599VfJumboTests : NicJumboTests<I82599VfModel>;

public sealed class I82599VfTxChainTests : NicTxChainTests<I82599VfModel>;

public sealed class I82599VfVlanTests : NicVlanTests<I82599VfModel>;

public sealed class I82599VfRxChecksumTests : NicRxChecksumTests<I82599VfModel>;

public sealed class I82599VfTxChecksumTests : NicTxChecksumTests<I82599VfModel>;

public sealed class I82599VfRxInterruptTests : NicRxInterruptTests<I82599VfModel>;

public sealed class X550VfTests : NicTests<X550VfModel>;

public sealed class X550VfLinkInterruptTests : NicLinkInterruptTests<X550VfModel>;

public sealed class X550VfPromiscuousTests : NicPromiscuousTests<X550VfModel>;

public sealed class X550VfJumboTests : NicJumboTests<X550VfModel>;

public sealed class X550VfTxChainTests : NicTxChainTests<X550VfModel>;

public sealed class X550VfVlanTests : NicVlanTests<X550VfModel>;

public sealed class X550VfRxChecksumTests : NicRxChecksumTests<X550VfModel>;

public sealed class X550VfTxChecksumTests : NicTxChecksumTests<X550VfModel>;

public sealed class X550VfMultiQueueTests : NicMultiQueueTests<X550VfModel>;

public sealed class X550VfRxInterruptTests : NicRxInterruptTests<X550VfModel>;
