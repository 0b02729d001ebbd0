using System.Text.Json;
using System.Text.Json.Serialization;

namespace Boon.Greetings;

/// <summary>A user greeted. A module of Boon would have this in Contracts.</summary>
public sealed record GreetingSent(Guid GreetingId, Guid UserId, string Text, [property: Personal] string? Signature = null) : IEvent
{
    public static string Name => "greetings.greeting-sent.v1";
    public static JsonSerializerContext Json => GreetingsJson.Default;
    string IEvent.AggregateType => "greeting";
    string IEvent.AggregateId => GreetingId.ToString();
    Guid? IEvent.UserId => UserId;
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GreetingSent))]
internal sealed partial class GreetingsJson : JsonSerializerContext;
