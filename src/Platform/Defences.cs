using System.Reflection;
using System.Runtime.CompilerServices;

namespace Boon.Platform;

/// <summary>
/// A piece of code that a guarantee rests on, with a switch: so that a test can show that it fails without that code. Only the test host
/// turns the switch (InternalsVisibleTo); no setting, variable or argument of Boon reaches it.
/// </summary>
/// <param name="name">Its name: that of the property that holds it.</param>
public sealed class Defence([CallerMemberName] string name = "")
{
    /// <summary>Its name.</summary>
    public string Name => name;

    /// <summary>True always, but where a test takes the defence out.</summary>
    public bool On { get; internal set; } = true;

    /// <summary>Its part of a statement, and what stands there without it.</summary>
    public string Sql(string with, string without = "") => On ? with : without;

    /// <summary>The defences of the platform.</summary>
    public static IReadOnlyList<Defence> OfPlatform { get; } = Of(typeof(Defences));

    /// <summary>All defences that a class holds.</summary>
    public static IReadOnlyList<Defence> Of(Type holder) =>
        [.. holder.GetProperties(BindingFlags.Static | BindingFlags.NonPublic).Select(property => property.GetValue(null)).OfType<Defence>(
            )];
}

/// <summary>The defences of the platform; those of a module are in a class like this one, which its <c>IModule</c> names.</summary>
internal static class Defences
{
    /// <summary>Readers follow the sequencer's dense numbers. Off: they follow the insertion identity, as naive readers do.</summary>
    internal static Defence DenseSequence { get; } = new();

    /// <summary>
    /// The sequencer compares the stored snapshot with the cluster's in a statement after the lock. Off: in the locking statement, whose
    /// snapshot can be older than the row.
    /// </summary>
    internal static Defence FreshComparison { get; } = new();

    /// <summary>A reader compares what it has read with the log. Off: it goes on after its number, whatever has that number now.</summary>
    internal static Defence Epochs { get; } = new();

    /// <summary>The server ends sessions that stay idle inside a transaction. Off: a frozen holder keeps its locks.</summary>
    internal static Defence IdleTransactionTimeout { get; } = new();

    /// <summary>Background work has connections of its own. Off: requests can take all of them.</summary>
    internal static Defence PoolsApart { get; } = new();

    /// <summary>
    /// Processes end each other's sessions that hold locks and wait for a frozen client within a statement. Off: nobody does.
    /// </summary>
    internal static Defence FrozenSessions { get; } = new();

    /// <summary>
    /// Effects, events and checkpoint commit together. Off: the checkpoint moves in a transaction of its own, before the effects.
    /// </summary>
    internal static Defence AtomicCheckpoint { get; } = new();

    /// <summary>
    /// A change of the number of lanes keeps all lanes out before it touches their rows. Off: it locks out their writes only, and they wait
    /// for each other.
    /// </summary>
    internal static Defence LanesAlone { get; } = new();

    /// <summary>
    /// All processes obey the number of lanes that was asked for last, which is stored. Off: each goes by its own setting.
    /// </summary>
    internal static Defence StoredLanes { get; } = new();

    /// <summary>An event that keeps failing is parked alone. Off: its batch is retried for ever.</summary>
    internal static Defence Parking { get; } = new();

    /// <summary>A batch holds its module's rules still until it commits. Off: a change of rules slips in between.</summary>
    internal static Defence RulesLock { get; } = new();

    /// <summary>A new rule counts after a place in each log. Off: after a time of its own server, as the logs' times say.</summary>
    internal static Defence CountBySequence { get; } = new();

    /// <summary>
    /// A rule counts after the end of a log as its module says it. Off: after the end of the copy, which may lack what was answered.
    /// </summary>
    internal static Defence SettledAtTheSource { get; } = new();

    /// <summary>
    /// Before an event of a known name in a version that this build does not know, a lane stops. Off: it goes on.
    /// </summary>
    internal static Defence KnownVersions { get; } = new();

    /// <summary>
    /// Operators are refused when the log of Identity was last known whole too long ago. Off: an operator whose session ended meanwhile
    /// goes on.
    /// </summary>
    internal static Defence FreshAccess { get; } = new();

    /// <summary>Migrations run under an advisory lock. Off: processes that start together migrate together.</summary>
    internal static Defence MigrationLock { get; } = new();

    /// <summary>An <c>Idempotency-Key</c> makes a request repeatable. Off: it is not looked at.</summary>
    internal static Defence IdempotencyKeys { get; } = new();

    /// <summary>A process that gets SIGTERM says so to balancers before it stops to listen. Off: it stops at once.</summary>
    internal static Defence Drain { get; } = new();

    /// <summary>Who prefers to wait is answered when what came before is taken into account. Off: at once.</summary>
    internal static Defence CatchUp { get; } = new();

    /// <summary>Text that no database column can hold is refused where it enters. Off: it reaches the database.</summary>
    internal static Defence InputGuard { get; } = new();

    /// <summary>Of an access token <c>iss</c>, <c>aud</c>, <c>typ</c> and <c>exp</c> are checked. Off: only its signature.</summary>
    internal static Defence ClaimChecks { get; } = new();
}

/// <summary>
/// Named places inside transactions where the test host can freeze or kill its own process, to test what a crash on that very line does.
/// Nobody waits there in production.
/// </summary>
public static class FaultPoints
{
    internal static Action<string>? Reached { get; set; }

    /// <summary>Says that this place was reached.</summary>
    public static void Reach(string point) => Reached?.Invoke(point);
}
