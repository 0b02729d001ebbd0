System.Console.WriteLine("fault host");
