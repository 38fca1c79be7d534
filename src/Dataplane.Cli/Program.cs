using Dataplane.Cli;
using Dataplane.Cli.Hugepages;
using Dataplane.Linux;

return new Application(Console.Out, Console.Error, new HostFiles(), new SystemMounts()).Run(args);
