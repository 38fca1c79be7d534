// A guest has use for every processor of this machine.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
