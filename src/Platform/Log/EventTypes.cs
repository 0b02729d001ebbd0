using System.Reflection;
using System.Text.Json;

namespace Boon.Platform.Log;

/// <summary>A member of an event's data.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its JSON type: <c>string</c>, <c>integer</c>, <c>boolean</c>, <c>object</c> or <c>array</c>.</param>
/// <param name="Format">Of a string, <c>uuid</c> or <c>date-time</c>.</param>
/// <param name="Required">False: it can be missing.</param>
public sealed record EventMember(string Name, string Type, string? Format, bool Required);

/// <summary>A type of events that Boon logs itself.</summary>
/// <param name="Name">Its wire name with the version.</param>
/// <param name="Module">The module that logs it.</param>
/// <param name="About">The kind of thing that its events are about, such as <c>order</c>.</param>
/// <param name="HasUser">True when its events concern a user: only those can give anybody anything.</param>
/// <param name="Members">Its data.</param>
/// <param name="Sample">Made-up data of an event.</param>
public sealed record EventType(
    string Name, string Module, string About, bool HasUser, IReadOnlyList<EventMember> Members, JsonElement Sample)
{
    /// <summary>The name without the version.</summary>
    public string Kind { get; } = EventNames.WithoutVersion(Name);
}

/// <summary>Every type of events that modules log, from their records: those of Contracts, and those in an assembly of a module.</summary>
public sealed class EventTypes(IEnumerable<Assembly> modules)
{
    /// <summary>What the names of events of other systems begin with.</summary>
    public const string External = "external.";

    private readonly Lazy<IReadOnlyList<EventType>> made = new(() =>
        [.. EntriesIn(modules).OrderBy(entry => entry.Name, StringComparer.Ordinal).Select(Of)]);

    private readonly Lazy<IReadOnlyDictionary<string, string[]>> personal = new(() =>
        EntriesIn(modules).Where(entry => entry.Personal.Length > 0)
            .ToDictionary(entry => entry.Name, entry => entry.Personal, StringComparer.Ordinal));

    /// <summary>All of them, by name.</summary>
    public IReadOnlyList<EventType> All => made.Value;

    /// <summary>The members of each event, by wire name, that hold personal data; only events that have any.</summary>
    public IReadOnlyDictionary<string, string[]> Personal => personal.Value;

    private static IEnumerable<EventEntry> EntriesIn(IEnumerable<Assembly> modules) =>
        modules.Append(typeof(IEvent).Assembly).Distinct().SelectMany(EventCatalog.In);

    private static EventType Of(EventEntry entry)
    {
        var (name, type) = (entry.Name, entry.Json.Type);
        var sample = (IEvent)SampleOf(type, "");
        var json = JsonSerializer.SerializeToElement(sample, entry.Json);
        var nullability = new NullabilityInfoContext();
        var members = ParametersOf(type).Select(parameter =>
        {
            var member = JsonNamingPolicy.CamelCase.ConvertName(parameter.Name!);
            var (kind, format) = KindOf(Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType);
            // What is null is left out of the log, and what is personal may be removed from it.
            var required = nullability.Create(parameter).ReadState == NullabilityState.NotNull
                && type.GetProperty(parameter.Name!)?.GetCustomAttribute<PersonalAttribute>() is null;
            return new EventMember(member, kind, format, required);
        });
        return new EventType(
            name, name[..name.IndexOf('.', StringComparison.Ordinal)], sample.AggregateType, sample.UserId is not null, [.. members], json);
    }

    private static ParameterInfo[] ParametersOf(Type type) =>
        type.GetConstructors().MaxBy(constructor => constructor.GetParameters().Length)!.GetParameters();

    private static (string Kind, string? Format) KindOf(Type type) => type switch
    {
        _ when type == typeof(string) => ("string", null),
        _ when type == typeof(Guid) => ("string", "uuid"),
        _ when type == typeof(DateTimeOffset) => ("string", "date-time"),
        _ when type == typeof(bool) => ("boolean", null),
        _ when type == typeof(int) || type == typeof(long) => ("integer", null),
        { IsArray: true } => ("array", null),
        _ => ("object", null),
    };

    private static object SampleOf(Type type, string name)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return TextOf(name);
        if (type == typeof(Guid))
            return new Guid("01890a5d-ac96-774b-bcce-b302099a8057");
        if (type == typeof(DateTimeOffset))
            return new DateTimeOffset(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);
        if (type == typeof(bool))
            return true;
        if (type == typeof(int))
            return 1;
        if (type == typeof(long))
            return 1L;
        if (type.IsArray)
        {
            var array = Array.CreateInstance(type.GetElementType()!, 1);
            array.SetValue(SampleOf(type.GetElementType()!, name), 0);
            return array;
        }
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>))
        {
            var map = (System.Collections.IDictionary)Activator.CreateInstance(type)!;
            map.Add("identity", SampleOf(type.GetGenericArguments()[1], name));
            return map;
        }
        return Activator.CreateInstance(
            type, [.. ParametersOf(type).Select(parameter => SampleOf(parameter.ParameterType, parameter.Name!))])!;
    }

    private static string TextOf(string name) => name.ToLowerInvariant() switch
    {
        "currency" => "USD",
        "code" => "7KQ2-M9XA-TZ4H",
        "email" => "ada@example.com",
        "identifier" or "username" => "ada",
        "phone" => "+15551234567",
        "fullname" => "Ada Lovelace",
        "item" => "gold",
        "kind" => "percent",
        "state" => "active",
        "timezone" => "Europe/Amsterdam",
        "trigger" => "identity.user-signed-in",
        "unit" => "day",
        _ => "text",
    };
}
