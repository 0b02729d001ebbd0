using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Boon.Contracts;

/// <summary>How events are written in the log: camelCase JSON by generated code, nulls left out.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(UserRegistered))]
[JsonSerializable(typeof(UserChanged))]
[JsonSerializable(typeof(UserRolesChanged))]
[JsonSerializable(typeof(UserErased))]
[JsonSerializable(typeof(UserSignedIn))]
[JsonSerializable(typeof(SessionEnded))]
[JsonSerializable(typeof(SigningKeyCreated))]
[JsonSerializable(typeof(CampaignCreated))]
[JsonSerializable(typeof(CampaignChanged))]
[JsonSerializable(typeof(VoucherIssued))]
[JsonSerializable(typeof(VoucherRefused))]
[JsonSerializable(typeof(CodeRedeemed))]
[JsonSerializable(typeof(RedemptionRefused))]
[JsonSerializable(typeof(RedemptionReleased))]
[JsonSerializable(typeof(CouponTypeSet))]
[JsonSerializable(typeof(CouponsUploaded))]
[JsonSerializable(typeof(CouponClaimed))]
[JsonSerializable(typeof(ClaimQueued))]
[JsonSerializable(typeof(ClaimRefused))]
[JsonSerializable(typeof(CouponsPurged))]
[JsonSerializable(typeof(RewardGranted))]
[JsonSerializable(typeof(RewardDelayed))]
[JsonSerializable(typeof(RewardCreated))]
[JsonSerializable(typeof(QuestCreated))]
[JsonSerializable(typeof(QuestChanged))]
[JsonSerializable(typeof(QuestProgressed))]
[JsonSerializable(typeof(QuestCompleted))]
[JsonSerializable(typeof(ProgressReversed))]
[JsonSerializable(typeof(CompletionWithdrawn))]
[JsonSerializable(typeof(RewardClaimed))]
[JsonSerializable(typeof(WalletCredited))]
[JsonSerializable(typeof(WalletDebited))]
[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(OrderConfirmed))]
[JsonSerializable(typeof(OrderRejected))]
[JsonSerializable(typeof(OrderCancelled))]
[JsonSerializable(typeof(ApiKeyCreated))]
[JsonSerializable(typeof(ApiKeyRevoked))]
[JsonSerializable(typeof(ReportsErased))]
public sealed partial class EventJson : JsonSerializerContext;

/// <summary>A type of events: its wire name, and how it is written.</summary>
public sealed record EventEntry(string Name, JsonTypeInfo Json)
{
    /// <summary>The members that hold personal data, as the log names them.</summary>
    public string[] Personal { get; } = [.. Json.Type.GetProperties()
        .Where(property => property.GetCustomAttribute<PersonalAttribute>() is not null)
        .Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name))];
}

/// <summary>Every event type of Boon with its wire name.</summary>
public static class EventCatalog
{
    /// <summary>Wire name to event type.</summary>
    public static IReadOnlyDictionary<string, Type> Types { get; } =
        In(typeof(IEvent).Assembly).ToDictionary(entry => entry.Name, entry => entry.Json.Type, StringComparer.Ordinal);

    /// <summary>How an event is written.</summary>
    public static JsonTypeInfo<TEvent> JsonOf<TEvent>()
        where TEvent : IEvent => (JsonTypeInfo<TEvent>)TEvent.Json.GetTypeInfo(typeof(TEvent))!;

    /// <summary>The events whose records are in an assembly.</summary>
    public static IEnumerable<EventEntry> In(Assembly assembly) => assembly.GetTypes()
        .Where(type => type is { IsInterface: false } && type.IsAssignableTo(typeof(IEvent)))
        .Select(type => (EventEntry)EntryMethod.MakeGenericMethod(type).Invoke(null, null)!);

    private static MethodInfo EntryMethod => typeof(EventCatalog).GetMethod(nameof(Entry), BindingFlags.NonPublic | BindingFlags.Static)!;

    private static EventEntry Entry<TEvent>()
        where TEvent : IEvent => new(TEvent.Name, JsonOf<TEvent>());
}
