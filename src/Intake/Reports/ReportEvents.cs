using System.Text.Json;
using System.Text.Json.Serialization;

namespace Boon.Intake.Reports;

/// <summary>Takes what other systems report, all or none: each event is logged once, however often it comes.</summary>
internal static class ReportEvents
{
    internal const int Most = 1_000;

    private const string Single = "application/cloudevents+json";
    private const string Batch = "application/cloudevents-batch+json";

    /// <summary>The largest body in bytes.</summary>
    private const long LargestBody = 8 * 1024 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>What became of the events: all of them are stored.</summary>
    /// <param name="Accepted">Logged now.</param>
    /// <param name="Duplicates">Logged before, by their <c>source</c> and <c>id</c>, or earlier in the same batch.</param>
    /// <example>{"accepted": 1, "duplicates": 0}</example>
    internal sealed record ReportView(int Accepted, int Duplicates);

    /// <summary>An event of another system, as a CloudEvent.</summary>
    /// <param name="Specversion"><c>1.0</c>.</param>
    /// <param name="Id">Unique for its source.</param>
    /// <param name="Source">Where it comes from, a URI reference.</param>
    /// <param name="Type">What happened, such as <c>shop.order-paid</c>; logged as <c>external.</c> and this.</param>
    /// <param name="Subject">What it is about, such as the id of an order.</param>
    /// <param name="Userid">Whose it is: a UUID, or any text.</param>
    /// <param name="Time">When it happened.</param>
    /// <param name="Datacontenttype"><c>application/json</c>.</param>
    /// <param name="Traceparent">The trace that it belongs to, as W3C Trace Context writes it.</param>
    /// <param name="Data">What campaigns and quests look at.</param>
    /// <example>
    /// {"specversion": "1.0", "id": "4711", "source": "/shop", "type": "shop.order-paid", "userid": "customer-17", "time":
    /// "2026-01-31T09:00:00Z", "data": {"amount": 5000}}
    /// </example>
    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
    internal sealed record CloudEvent(
        [AllowedValues("1.0")] string Specversion, string Id, string Source, string Type, string? Subject = null, string? Userid = null,
        DateTimeOffset? Time = null, string? Datacontenttype = null, string? Traceparent = null, JsonElement? Data = null);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/events", Handle)
        .WithUnit<IntakeDb>(idempotent: true).RequireAuthorization(IntakeModule.ReportPolicy).WithTags("Events")
            .WithMetadata(new BodyLimit(LargestBody))
        .WithSummary("Reports events of another system: one CloudEvent, or a batch of at most 1,000, all or none. For operators and "
            + "API keys.")
        .WithDescription("`application/cloudevents+json` (or `application/json`) for one, `application/cloudevents-batch+json` for an "
            + "array. Each is logged as `external.` and its `type`, once for each `source` and `id`. "
            + "Its user is the extension `userid`, or `data.userId`: a UUID, or any text, which becomes a UUID of version 5. `data`, "
            + "`subject`, `time` and `traceparent` are logged; other attributes are not kept. 413 `too-many-events` for more than 1,000, "
            + "`body-too-large` beyond 8 MiB.")
        .Accepts<CloudEvent>(Single, "application/json", Batch)
        .Produces<ReportView>(StatusCodes.Status202Accepted)
        .Refuses(StatusCodes.Status413PayloadTooLarge, "too-many-events");

    private static async Task<IResult> Handle(HttpContext http, Unit<IntakeDb> unit, CancellationToken ct)
    {
        var form = http.Request.ContentType?.Split(';')[0].Trim().ToLowerInvariant();
        if (form is not (Single or Batch or "application/json"))
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type",
                $"Send one event as {Single}, or an array of them as {Batch}.");
        using var body = await ParseAsync(http, ct);
        var validation = new Validation();
        var root = body.RootElement;
        if (form == Batch && root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > Most)
            return Problems.Of(StatusCodes.Status413PayloadTooLarge, "too-many-events",
                $"A batch takes {Most:N0} events at most; send several.");
        var events = Read(root, form == Batch, validation);
        if (!validation.Ok)
            return Problems.Invalid(validation);
        await unit.BeginAsync(ct);
        var accepted = await StoreAsync(unit, events, ct);
        return TypedResults.Accepted((string?)null, new ReportView(accepted, events.Count - accepted));
    }

    private static async Task<JsonDocument> ParseAsync(HttpContext http, CancellationToken ct)
    {
        try
        {
            return await JsonDocument.ParseAsync(http.Request.Body, Strict, ct);
        }
        catch (JsonException error)
        {
            throw new BadHttpRequestException("The body is not JSON.", StatusCodes.Status400BadRequest, error);
        }
        catch (InvalidOperationException)
        {
            throw new BadHttpRequestException(
                "The body is not JSON.", StatusCodes.Status400BadRequest, new InputFaultException("is not valid Unicode"));
        }
    }

    private static List<ReportedEvent> Read(JsonElement root, bool batch, Validation validation)
    {
        var reader = new CloudEventReader(validation);
        var events = new List<ReportedEvent>();
        if (!batch)
        {
            if (reader.Read(root, "") is { } one)
                events.Add(one);
        }
        else if (validation.Check(root.ValueKind == JsonValueKind.Array, "events", "must be an array of CloudEvents"))
            foreach (var element in root.EnumerateArray())
                if (reader.Read(element, $"[{events.Count}].") is { } one)
                    events.Add(one);
                else
                    break; // its faults are enough to send it again
        return events;
    }

    /// <summary>Logs those that are new, in the order in which they came; answers how many.</summary>
    private static async Task<int> StoreAsync(Unit<IntakeDb> unit, List<ReportedEvent> events, CancellationToken ct)
    {
        var fresh = new HashSet<(string, string)>(events.Count);
        DateTime? now = null;
        var erased = await EraseReports.AmongAsync(unit, [.. events.Select(e => e.UserId).OfType<Guid>().Distinct()], ct);
        // In one order everywhere: of two batches with the same events one waits for the other, and never each for the other.
        await unit.Command("""
            insert into intake.received (source, id)
            select source, id
            from unnest($1, $2) r (source, id)
            order by source, id
            on conflict do nothing
            returning source, id, now()
            """, events.Column(e => e.Source), events.Column(e => e.Id))
            .ReadEachAsync(row =>
            {
                fresh.Add((row.GetString(0), row.GetString(1)));
                now = row.GetDateTime(2);
            }, ct);
        var accepted = 0;
        foreach (var e in events)
            if (!IntakeDefences.OncePerReport.On || fresh.Remove((e.Source, e.Id)))
            {
                unit.AppendRaw(
                    e.Type, "external", e.Subject ?? $"{e.Source}#{e.Id}", e.UserId,
                    e.UserId is { } user && erased.Contains(user) ? ReportedData.Nothing : e.Data, time: e.Time ?? now,
                    traceParent: e.TraceParent);
                accepted++;
            }
        return accepted;
    }
}
