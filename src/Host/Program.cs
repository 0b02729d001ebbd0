System.Console.WriteLine("boon");
