using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Boon.Platform.Access;
using Boon.Platform.Data;
using Boon.Platform.Http;
using Boon.Platform.Input;
using Boon.Platform.Log;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Operations;

/// <summary>Shows operators the logs of this host's modules, newest first, as CloudEvents.</summary>
internal static class ListEvents
{
    /// <summary>
    /// An event in the envelope of CloudEvents 1.0, with its extensions <c>sequence</c>, <c>recordedtime</c>, <c>traceparent</c>,
    /// <c>userid</c>, <c>causationid</c>, <c>by</c> and <c>reason</c>.
    /// </summary>
    /// <param name="Specversion"><c>1.0</c>.</param>
    /// <param name="Id">The event's id.</param>
    /// <param name="Source">The module whose log holds it, such as <c>/identity</c>.</param>
    /// <param name="Type">What happened, such as <c>identity.user-signed-in.v1</c>.</param>
    /// <param name="Subject">What it happened to: its kind and its id.</param>
    /// <param name="Time">When it happened.</param>
    /// <param name="Datacontenttype"><c>application/json</c>.</param>
    /// <param name="Sequence">Its place in its log, from 1 without a gap.</param>
    /// <param name="Recordedtime">When it got that place.</param>
    /// <param name="Traceparent">The trace that it belongs to, as W3C Trace Context writes it.</param>
    /// <param name="Userid">Whose it is.</param>
    /// <param name="Causationid">The event that caused it.</param>
    /// <param name="By">Who caused it.</param>
    /// <param name="Reason">Why, as whoever caused it said in <c>Boon-Reason</c>.</param>
    /// <param name="Data">Its data.</param>
    /// <example>
    /// {"specversion": "1.0", "id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "source": "/identity", "type":
    /// "identity.user-signed-in.v1", "subject": "user/0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "time": "2026-05-01T09:30:00Z",
    /// "datacontenttype": "application/json", "sequence": 1234, "recordedtime": "2026-05-01T09:30:00Z", "userid":
    /// "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "by": "member:0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "data": {"userId":
    /// "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "first": true, "number": 1}}
    /// </example>
    internal sealed record EventView(
        string Specversion, Guid Id, string Source, string Type, string Subject, DateTimeOffset Time, string Datacontenttype,
        long Sequence, DateTimeOffset Recordedtime, string? Traceparent, Guid? Userid, Guid? Causationid, string? By,
        string? Reason, [property: JsonConverter(typeof(AsItIs))] byte[] Data)
    {
        internal static EventView Of(LoggedEvent e) => new(
            "1.0", e.Id, $"/{e.Source}", e.Type, $"{e.AggregateType}/{e.AggregateId}", e.Time, "application/json",
            e.Sequence, e.RecordedAt, e.TraceParent, e.UserId, e.CausationId, e.By, e.Reason, e.Payload);

        /// <summary>The event that this shows.</summary>
        internal LoggedEvent Event() => Subject.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash
            ? new(Source[1..], Sequence, Id, Type, Subject[..slash], Subject[(slash + 1)..], Userid, Data, Time.UtcDateTime,
                Recordedtime.UtcDateTime, Traceparent, Causationid, By, Reason)
            : throw new JsonException($"The subject of event {Id} is {Subject}.");
    }

    /// <summary>
    /// Writes JSON as it was logged, however deep it nests, in one line: an end of a line in JSON is white space between tokens, and in a
    /// download it would be the end of a record.
    /// </summary>
    private sealed class AsItIs : JsonConverter<byte[]>
    {
        public override byte[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Encoding.UTF8.GetBytes(JsonElement.ParseValue(ref reader).GetRawText());

        public override void Write(Utf8JsonWriter writer, byte[] value, JsonSerializerOptions options) =>
            writer.WriteRawValue(OneLine(value), skipInputValidation: true);

        private static byte[] OneLine(byte[] json)
        {
            if (json.AsSpan().IndexOfAny((byte)'\n', (byte)'\r') < 0)
                return json;
            var line = json.AsSpan().ToArray();
            line.AsSpan().Replace((byte)'\n', (byte)' ');
            line.AsSpan().Replace((byte)'\r', (byte)' ');
            return line;
        }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/events", Handle)
        .ForOperators().WithTags("Events")
        .WithSummary("The logs of all modules, newest first, as CloudEvents.")
        .WithDescription("`type` matches all versions of an event, or one version if it ends in `.v1`. `userId` and `module` "
            + "select further.")
        .Produces<GatheredPage<EventView>>();

    private static async Task<IResult> Handle(
        string? type, string? userId, string? module, [AsParameters] PageQuery page, IEnumerable<HostedModule> modules, LogBarrier barrier,
        CancellationToken ct)
    {
        // The cursor is, for each module's log, the sequence of the event that was shown last.
        if (!page.TryRead(out var limit, out Dictionary<string, long>? below, out var problem))
            return problem!;
        var validation = new Validation();
        Guid? user = null;
        if (userId is not null)
            user = validation.Check(Guid.TryParse(userId, out var id), "userId", "must be an id") ? id : null;
        var logs = modules.Where(hosted => module is null || hosted.Name == module).ToList();
        validation.Check(logs.Count > 0, "module", $"must be one of {string.Join(", ", modules.Select(hosted => hosted.Name))}");
        if (!validation.Ok)
            return Problems.Invalid(validation);

        return TypedResults.Ok(await NewestFirst.ReadAsync(logs, barrier, limit, below, (connection, schema, before) =>
            EventsBack.ReadAsync(connection, schema, before, limit + 1, type, user, ct), ct));
    }
}
