// Each test has both of a small machine's CPUs busy: its ports and a peer that polls.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
