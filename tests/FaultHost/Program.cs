using Boon.FaultHost;

return await FaultyBoon.RunAsync(args);
