System.Console.WriteLine("l2fwd");
