namespace Boon.Platform;

/// <summary>
/// Switches that take one defence out, so that CI can show that its test fails without it. They are internal: only the
/// test host sets them (InternalsVisibleTo); no setting, variable or argument of Boon reaches them.
/// </summary>
internal static class Defences
{
    /// <summary>Readers follow the sequencer's dense numbers. Off: they follow the insertion identity, as naive readers do.</summary>
    internal static bool DenseSequence { get; set; } = true;

    /// <summary>The sequencer compares the stored snapshot with the cluster's in a statement after the lock. Off: in the locking statement, whose snapshot can be older than the row.</summary>
    internal static bool FreshComparison { get; set; } = true;

    /// <summary>A reader compares what it has read with the log. Off: it goes on after its number, whatever has that number now.</summary>
    internal static bool Epochs { get; set; } = true;

    /// <summary>The server ends sessions that stay idle inside a transaction. Off: a frozen holder keeps its locks.</summary>
    internal static bool IdleTransactionTimeout { get; set; } = true;

    /// <summary>Background work has connections of its own. Off: requests can take all of them.</summary>
    internal static bool PoolsApart { get; set; } = true;

    /// <summary>Processes end each other's sessions that hold locks and wait for a frozen client within a statement. Off: nobody does.</summary>
    internal static bool FrozenSessions { get; set; } = true;

    /// <summary>Effects, events and checkpoint commit together. Off: the checkpoint moves in a transaction of its own, before the effects.</summary>
    internal static bool AtomicCheckpoint { get; set; } = true;

    /// <summary>A change of the number of lanes keeps all lanes out before it touches their rows. Off: it locks out their writes only, and they wait for each other.</summary>
    internal static bool LanesAlone { get; set; } = true;

    /// <summary>All processes obey the number of lanes that was asked for last, which is stored. Off: each goes by its own setting.</summary>
    internal static bool StoredLanes { get; set; } = true;

    /// <summary>An event that keeps failing is parked alone. Off: its batch is retried for ever.</summary>
    internal static bool Parking { get; set; } = true;

    /// <summary>A batch holds its module's rules still until it commits. Off: a change of rules slips in between.</summary>
    internal static bool RulesLock { get; set; } = true;

    /// <summary>A new rule counts after a place in each log. Off: after a time of its own server, as the logs' times say.</summary>
    internal static bool CountBySequence { get; set; } = true;

    /// <summary>Migrations run under an advisory lock. Off: processes that start together migrate together.</summary>
    internal static bool MigrationLock { get; set; } = true;

    /// <summary>An <c>Idempotency-Key</c> makes a request repeatable. Off: it is not looked at.</summary>
    internal static bool IdempotencyKeys { get; set; } = true;

    /// <summary>A process that gets SIGTERM says so to balancers before it stops to listen. Off: it stops at once.</summary>
    internal static bool Drain { get; set; } = true;

    /// <summary>Who prefers to wait is answered when what came before is taken into account. Off: at once.</summary>
    internal static bool CatchUp { get; set; } = true;

    /// <summary>Text that no database column can hold is refused where it enters. Off: it reaches the database.</summary>
    internal static bool InputGuard { get; set; } = true;
}

/// <summary>
/// Named places inside transactions where the test host can freeze or kill its own process, to test what a crash on that very line does.
/// Empty in production.
/// </summary>
internal static class FaultPoints
{
    internal static Action<string>? Reached { get; set; }
}
