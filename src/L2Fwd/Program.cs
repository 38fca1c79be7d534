using L2Fwd;
using L2Fwd.Terminal;

using var output = new Output(Console.OpenStandardOutput());
using var errors = new Output(Console.OpenStandardError());
return new Application(output, errors).Run(args);
