return await Boon.Host.Cli.RunAsync(args);
