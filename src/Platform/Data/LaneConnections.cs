namespace Boon.Platform.Data;

/// <summary>The connections that the lanes of a subscription keep busy; a process adds them up before it opens any.</summary>
/// <param name="Module">The module that reads.</param>
/// <param name="Sources">The modules whose logs it reads: where one is in another database, each lane takes a connection there too.</param>
/// <param name="Lanes">How many lanes.</param>
public sealed record LaneConnections(string Module, IReadOnlyList<string> Sources, int Lanes);
